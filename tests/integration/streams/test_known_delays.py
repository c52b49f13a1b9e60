"""An agent whose answer delay is known is measured on the media clock, whatever way its sound comes in."""

import asyncio

from services.caller.domain.media import FRAME_MS
from services.caller.edges.media.clock import Clock
from services.caller.edges.streams.twilio import TwilioLeg
from tests.support.stream_agent import a_stream_agent
from tests.support.stream_delays import ANSWER_MS, DelayedAgent, Send, at_once, in_real_time
from tests.support.stream_script import ScriptedCall, is_loud, ticking, tone
from tests.unit.caller.streams.calls import a_call

TOLERANCE_MS = 20
TURNS = 3


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
