"""How long sound is kept before it is heard: what a latency on our clock has to be less by."""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class HeardLate:
    """From a sample's arrival to its place in the frames: the mean, and its standard deviation."""

    mean_ms: float = 0.0
    spread_ms: float = 0.0


NOT_LATE = HeardLate()


class DelayMeter:
    """Sums up a delay, packet by packet (Welford)."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, ms: float) -> None:
        """Count one."""
        self._count += 1
        off = ms - self._mean
        self._mean += off / self._count
        self._squares += off * (ms - self._mean)

    def heard_late(self) -> HeardLate:
        """Return what it was until now."""
        return HeardLate(self._mean, sqrt(self._squares / self._count) if self._count else 0.0)
