"""`python -m deploy.bench.spoken_caller CALLS SECONDS`: the caller, with minds that cost nothing and canned speech.

Each line takes three to five seconds, and there is always a next one. What it came to is printed as JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import psutil

from services.caller import wiring
from services.caller.domain.media import SAMPLE_RATE_HZ
from services.caller.domain.turn import Party, Reply, Turn
from services.caller.edges.calls import legs, telephony
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.settings import CallerSettings
from shared.events.admissions import TestCallDispatched
from shared.process.service import Service, run_service
from shared.settings.reading import read_settings

LINES = tuple(f"This is line {nth}, and it says as much as a line says." for nth in range(10))
SHORTEST_SECONDS, STEP_SECONDS = 3.0, 0.2
WARM_SECONDS = 5.0


@dataclass(frozen=True)
class Seen:
    """What the sound of the calls came to, of both ends of each, while all were up. `late`: of ticks."""

    calls: int
    seconds: float
    interval_ms_p50: float
    interval_ms_p99: float
    interval_ms_max: float
    late_ms_p99: float
    skipped_ticks: int
    received: int
    lost: int
    cpu_share: float
    memory_mib: float
    turns: int


class Talks:
    """A mind that has always something to say. `taken`: turns of all of them."""

    taken = 0

    def __init__(self, first: int) -> None:
        self._nth = first

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        self._nth += 1
        Talks.taken += 1
        return Reply(LINES[self._nth % len(LINES)])


class Parties:
    """Both sides of all calls."""

    def __init__(self, *settings: object) -> None:
        """Nothing has to be known."""

    def bot(self, dispatch: TestCallDispatched) -> Party:
        return Talks(dispatch.run_id)

    def agent(self, dispatch: TestCallDispatched) -> Party:
        return Talks(dispatch.run_id + len(LINES) // 2)


class CannedSpeech:
    """Speech that is there already, and is always understood in the same way."""

    def __init__(self) -> None:
        self._said = {line: _voice(SHORTEST_SECONDS + nth * STEP_SECONDS) for nth, line in enumerate(LINES)}

    async def say(self, text: str, voice: str) -> bytes:
        return self._said.get(text, self._said[LINES[0]])

    async def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        return LINES[0]

    async def aclose(self) -> None:
        """Nothing is open."""


def _voice(seconds: float) -> bytes:
    """Return a sound that a detector takes for a voice."""
    at = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tone = sum(np.sin(2 * np.pi * 140 * k * at) / k for k in range(1, 12))
    sound: bytes = (3_000 * tone * (1 + 0.3 * np.sin(2 * np.pi * 4 * at))).astype("<i2").tobytes()
    return sound


class TimedLeg(RtpLeg):
    """Notes when its frames are sent."""

    all: ClassVar[list["TimedLeg"]] = []

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.sent_at: list[float] = []
        self.all.append(self)

    def exchange(self, frame: bytes) -> bytes:
        self.sent_at.append(time.monotonic())
        return super().exchange(frame)


class NotedClock(Clock):
    """Notes how late its ticks are."""

    late_ms: ClassVar[list[float]] = []
    last: ClassVar["NotedClock"]

    def __init__(self) -> None:
        super().__init__()
        NotedClock.last = self

    def _tick(self, late_ms: float) -> None:
        self.late_ms.append(late_ms)
        super()._tick(late_ms)


async def _watch(calls: int, seconds: float) -> None:
    """Wait until all calls are up, measure, tell."""
    while sum(bool(leg.sent_at) for leg in TimedLeg.all) < 2 * calls:  # noqa: ASYNC110 - it must not disturb
        await asyncio.sleep(0.5)
    await asyncio.sleep(WARM_SECONDS)
    ends = list(TimedLeg.all)
    for end in ends:
        end.sent_at.clear()
    NotedClock.late_ms.clear()
    skipped, taken = NotedClock.last.skipped(), Talks.taken
    before = [end.stats() for end in ends]
    cpu, began = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu_seconds, took = time.process_time() - cpu, time.monotonic() - began
    after = [end.stats() for end in ends]
    intervals = sorted((later - one) * 1_000 for end in ends for one, later in pairwise(end.sent_at))
    late = sorted(NotedClock.late_ms)
    seen = Seen(
        calls=sum(bool(end.sent_at) for end in ends) // 2,
        seconds=took,
        interval_ms_p50=intervals[len(intervals) // 2],
        interval_ms_p99=intervals[int(0.99 * len(intervals))],
        interval_ms_max=intervals[-1],
        late_ms_p99=late[int(0.99 * len(late))],
        skipped_ticks=NotedClock.last.skipped() - skipped,
        received=sum(b.received - a.received for a, b in zip(before, after, strict=True)),
        lost=sum(b.lost - a.lost for a, b in zip(before, after, strict=True)),
        cpu_share=cpu_seconds / took,
        memory_mib=psutil.Process().memory_info().rss / 2**20,
        turns=Talks.taken - taken,
    )
    print(json.dumps(asdict(seen)), flush=True)


def main() -> None:
    """Be the caller, and watch it."""
    calls, seconds = int(sys.argv[1]), float(sys.argv[2])
    if os.environ.get("BENCH_REALTIME"):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    settings = read_settings(CallerSettings)
    replaced = {
        (wiring, "ChosenParties"): Parties,
        (wiring, "speech_over"): lambda pools, endpoint: CannedSpeech(),
        (legs, "RtpLeg"): TimedLeg,
        (telephony, "Clock"): NotedClock,
    }
    for (module, name), other in replaced.items():
        setattr(module, name, other)
    watching: list[asyncio.Task[None]] = []

    async def wire() -> Service:
        service = await wiring.wire(settings)
        watching.append(asyncio.create_task(_watch(calls, seconds)))
        return service

    run_service("caller", settings, wire)


if __name__ == "__main__":
    main()
