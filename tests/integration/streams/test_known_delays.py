"""An agent whose answer delay is known is measured on the media clock, whatever way its sound comes in."""

import asyncio
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from services.caller.domain.media import FRAME_MS
from services.caller.edges.media.clock import Clock
from services.caller.edges.streams.sound import MULAW
from services.caller.edges.streams.twilio import TwilioLeg
from tests.support.stream_agent import Session, a_stream_agent
from tests.support.stream_script import ScriptedCall, is_loud, tone
from tests.unit.caller.streams.calls import a_call

QUIET_MS = 60  # after which this agent holds a line for ended; it is part of its delay
TOLERANCE_MS = 20
TURNS = 3
ANSWER_MS = 500

Send = Callable[[Session, bytes], Awaitable[None]]


async def at_once(session: Session, sound: bytes) -> None:
    """As speech synthesis gives it."""
    await session.say(sound)


async def in_real_time(session: Session, sound: bytes) -> None:
    """As pipecat does: in pieces, each when the one before it is said."""
    began = time.monotonic()
    for number, start in enumerate(range(0, len(sound), 320)):
        await session.say(sound[start : start + 320])
        await asyncio.sleep(max(0.0, began + (number + 1) * 0.04 - time.monotonic()))


@dataclass
class DelayedAgent:
    """Answers each line a known time after its last loud frame came; notes how late it was itself."""

    delay_ms: int
    send: Send
    answer: bytes = MULAW.encode(tone(ANSWER_MS))
    quiet_ms: int = QUIET_MS
    overslept_ms: list[float] = field(default_factory=list)
    answering: set[asyncio.Task[None]] = field(default_factory=set)
    _loud_at: float | None = None

    async def hear(self, session: Session, message: dict[str, Any]) -> None:
        if message["event"] != "media":
            return
        now = time.monotonic()
        if is_loud(MULAW.decode(b64decode(message["media"]["payload"]))):
            self._loud_at = now
        elif self._loud_at is not None and (now - self._loud_at) * 1_000 >= self.quiet_ms:
            task = asyncio.create_task(self._answer(session, self._loud_at))
            self.answering.add(task)
            task.add_done_callback(self.answering.discard)
            self._loud_at = None

    async def _answer(self, session: Session, loud_at: float) -> None:
        due = loud_at + FRAME_MS / 1_000 + self.delay_ms / 1_000  # its sound lasted a frame longer
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self.overslept_ms.append((time.monotonic() - due) * 1_000)
        await self.send(session, self.answer)


@asynccontextmanager
async def ticking() -> AsyncIterator[Clock]:
    clock = Clock()
    running = asyncio.create_task(clock.run_for_ever())
    try:
        yield clock
    finally:
        running.cancel()
        await asyncio.wait([running])


async def held(clock: Clock, delay_ms: int, send: Send) -> tuple[ScriptedCall, TwilioLeg, list[float]]:
    """A call by the clock, until the last line was answered; what came, and the delays that the agent really had."""
    answering = DelayedAgent(delay_ms, send)
    async with a_stream_agent(answering.hear) as agent, a_call(agent.url) as leg:
        call = ScriptedCall(leg, [tone(400)] * TURNS, clock.skipped)
        clock.add(call)
        await asyncio.wait_for(call.over.wait(), 120)
        clock.remove(call)
        return call, leg, [delay_ms + overslept_ms for overslept_ms in answering.overslept_ms]


async def test_known_delays_are_measured_and_nothing_is_lost() -> None:
    asked = [(delay_ms, send) for delay_ms in (300, 800, 1_500) for send in (at_once, in_real_time)]
    async with ticking() as clock:
        calls = await asyncio.gather(*(held(clock, delay_ms, send) for delay_ms, send in asked))
        skipped_ms = clock.skipped() * FRAME_MS
    for (_, send), (call, leg, delays_ms) in zip(asked, calls, strict=True):
        late = leg.heard_late()
        measured_ms = [latency_ms - late.at(heard_at_ms) for heard_at_ms, latency_ms in call.latencies_ms()]
        errors_ms = [abs(one - other) for one, other in zip(measured_ms, delays_ms, strict=True)]
        print(send.__name__, [round(one, 1) for one in errors_ms], skipped_ms)
        assert len(errors_ms) == TURNS
        assert sorted(errors_ms)[TURNS // 2] <= TOLERANCE_MS + call.lateness_ms()
        # What this machine's clock was late by, or left out, is neither the agent's nor the leg's.
        assert max(errors_ms) <= TOLERANCE_MS + call.lateness_ms() + skipped_ms
        loud_ms = sum(FRAME_MS for frame in call.heard if is_loud(frame))
        assert loud_ms == ANSWER_MS * TURNS
        assert leg.stats().concealed_ms == 0 or send is in_real_time
