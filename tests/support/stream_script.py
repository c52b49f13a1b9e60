"""A call by a script: what is said at which frame, beside what came, on the media clock."""

import asyncio
import math
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

from services.caller.domain.media import FRAME_MS, FRAME_SAMPLES, SILENCE, MediaLeg
from services.caller.edges.media.clock import Clock

LOUD = 1_000  # of 32 767: between a voice and what a silent line has


@cache
def tone(duration_ms: int, hertz: float = 300.0) -> bytes:
    """Sound that any ear takes for speech: samples as in frames."""
    count = duration_ms * FRAME_SAMPLES // FRAME_MS
    samples = (round(8_000 * math.sin(2 * math.pi * hertz * at / 8_000)) for at in range(count))
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


def is_loud(frame: bytes) -> bool:
    samples = array("h", frame)
    return max(samples) > LOUD or min(samples) < -LOUD


@dataclass
class ScriptedCall:
    """Ticks a leg: says `lines`, each a while after the far end has fallen silent; `heard` has a frame for each said.

    Its own work is small: it shares the loop with the leg that it measures.
    """

    leg: MediaLeg
    lines: Sequence[bytes]
    skipped: Callable[[], int] = lambda: 0  # the clock's: what it left out is silence on both sides
    pause_ms: int = 400
    said: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._left = list(self.lines)
        self._saying = b""
        self._quiet_ms = 0
        self._left_out = self.skipped()
        self._ends: list[int] = []
        self._answered = True  # the first line waits for nobody

    def tick(self, late_ms: float) -> None:
        """Exchange a frame."""
        frame, self._saying = self._saying[: len(SILENCE)].ljust(len(SILENCE), b"\x00"), self._saying[len(SILENCE) :]
        ends = is_loud(frame) and not self._saying
        came = self.leg.exchange(frame)
        for _ in range(self.skipped() - self._left_out):
            self.said.append(SILENCE)
            self.heard.append(SILENCE)
        self._left_out = self.skipped()
        self.said.append(frame)
        self.heard.append(came)
        self._ends += [len(self.said)] if ends else []
        self.late_ms.append(late_ms)
        self._answered = self._answered or is_loud(came)
        self._quiet_ms = 0 if is_loud(came) or self._saying else self._quiet_ms + FRAME_MS
        if self._answered and self._quiet_ms >= self.pause_ms:
            self._next()
        if self.leg.ended is not None:
            self.over.set()

    def _next(self) -> None:
        if not self._left:
            self.over.set()
            return
        self._saying, self._answered, self._quiet_ms = self._left.pop(0), False, 0

    def latencies_ms(self) -> list[tuple[int, int]]:
        """When each line was answered, and how long after its end: the first loud frame, on the media clock."""
        answers = [next(at for at in range(end, len(self.heard)) if is_loud(self.heard[at])) for end in self._ends]
        return [(at * FRAME_MS, (at - end) * FRAME_MS) for at, end in zip(answers, self._ends, strict=True)]

    def lateness_ms(self) -> float:
        """How late the latest tick was."""
        return max(self.late_ms)


@asynccontextmanager
async def ticking() -> AsyncIterator[Clock]:
    """A media clock that runs."""
    clock = Clock()
    running = asyncio.create_task(clock.keep_time())
    try:
        yield clock
    finally:
        running.cancel()
        await asyncio.wait([running])
