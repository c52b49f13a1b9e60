"""How long sound is kept before it is heard: what a latency on our clock has to be less by."""

from dataclasses import dataclass
from math import sqrt

from services.caller.domain.media import FRAME_MS

STRETCH_TICKS = 10  # a jitter buffer grows and shrinks: what it kept is told for each so long a time
_STRETCH_MS = STRETCH_TICKS * FRAME_MS


@dataclass(frozen=True, slots=True)
class HeardLate:
    """From a sample's arrival to its place in the frames: the mean, and the standard deviation from what `at` tells."""

    mean_ms: float = 0.0
    spread_ms: float = 0.0
    course_ms: tuple[float, ...] = ()  # of each stretch

    def at(self, position_ms: float) -> float:
        """Return what it was at a place in the frames."""
        if not self.course_ms:
            return self.mean_ms
        return self.course_ms[min(len(self.course_ms) - 1, max(0, int(position_ms / _STRETCH_MS)))]


NOT_LATE = HeardLate()


class DelayMeter:
    """Sums up a delay, packet by packet, stretch by stretch (Welford)."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = self._squares = 0.0
        self._means: list[float] = []
        self._counts: list[int] = []

    def add(self, ms: float, tick: int) -> None:
        """Count one, whose first sample is heard at a tick."""
        stretch = max(0, tick // STRETCH_TICKS)
        while len(self._means) <= stretch:  # where nothing comes, nothing is known to change
            self._means.append(self._means[-1] if self._means else ms)
            self._counts.append(0)
        self._count += 1
        self._sum += ms
        self._counts[stretch] += 1
        if self._counts[stretch] == 1:
            self._means[stretch] = ms
            return
        off = ms - self._means[stretch]
        self._means[stretch] += off / self._counts[stretch]
        self._squares += off * (ms - self._means[stretch])

    def heard_late(self) -> HeardLate:
        """Return what it was until now."""
        if not self._count:
            return NOT_LATE
        return HeardLate(self._sum / self._count, sqrt(self._squares / self._count), tuple(self._means))
