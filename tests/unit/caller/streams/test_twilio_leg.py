"""A call over a carrier's media stream: what the agent sees of us, and what we make of the agent."""

import asyncio

import pytest

from services.caller.domain.media import FRAME_SAMPLES, SILENCE
from services.caller.edges.streams.sound import MULAW
from services.caller.edges.streams.twilio import MAX_DIGITS
from tests.support.stream_agent import Session, a_stream_agent
from tests.support.waiting import eventually
from tests.unit.caller.streams.calls import CALL, FRAME, ORG, a_call, tasks_of_streams, tick

QUIET = MULAW.encode(SILENCE)


async def heard(session: Session, event: str, count: int = 1) -> None:
    async def enough() -> bool:
        return len(session.of(event)) >= count

    await eventually(enough, what=f"{count} × {event}")


async def test_the_agent_is_told_what_the_stream_is_before_anything_else() -> None:
    async with a_stream_agent() as agent, a_call(agent.url, parameters={"from": "+4930"}) as leg:
        leg.exchange(SILENCE)
        await heard(agent.session, "media")
        connected, start, media = agent.session.heard
    sid = start["streamSid"]
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": f"AC{ORG:032x}",
            "streamSid": sid,
            "callSid": f"CA{CALL:032x}",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"from": "+4930"},
        },
        "streamSid": sid,
    }
    assert media["sequenceNumber"] == "2"
    assert media["media"].keys() == {"track", "chunk", "timestamp", "payload"}
    assert sid.startswith("MZ")
    assert len(sid) == 34


async def test_frames_are_numbered_and_timed_by_the_tick() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        for _ in range(3):
            leg.exchange(MULAW.decode(FRAME))
        await heard(agent.session, "media", 3)
        sent = [message["media"] for message in agent.session.of("media")]
    assert [one["chunk"] for one in sent] == ["1", "2", "3"]
    assert [one["timestamp"] for one in sent] == ["0", "20", "40"]
    assert MULAW.decode(agent.session.sound) == MULAW.decode(FRAME) * 3


async def test_what_the_agent_says_is_played_at_one_frame_a_tick_however_it_is_cut() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        said = FRAME * 10
        await heard(agent.session, "start")
        for start in range(0, len(said), 333):
            await agent.session.say(said[start : start + 333])
        assert leg is not None

        async def all_came() -> bool:
            return leg.stats().received == 5

        await eventually(all_came)
        assert MULAW.decode(tick(leg, 10)) == MULAW.decode(said)
        assert tick(leg) == QUIET
    assert leg.stats().concealed_ms == 0


async def test_a_mark_comes_back_when_what_was_said_before_it_is_played() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        await heard(agent.session, "start")
        await agent.session.say(FRAME * 10)
        await agent.session.mark("the end")

        async def came() -> bool:
            return leg.stats().received == 1

        await eventually(came)
        tick(leg, 9)
        await heard(agent.session, "media", 9)
        assert agent.session.of("mark") == []
        tick(leg, 1)
        await heard(agent.session, "mark")
        assert agent.session.of("mark")[0]["mark"] == {"name": "the end"}


async def test_what_is_cleared_is_not_played_and_its_marks_come_back_at_once() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        await heard(agent.session, "start")
        await agent.session.say(FRAME * 100)
        await agent.session.mark("never reached")
        await agent.session.send("clear")
        await heard(agent.session, "mark")
        assert tick(leg, 3) == QUIET * 3


async def test_keys_are_sent_one_after_the_other() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        leg.send_digits("1#A")
        tick(leg, 30)
        await heard(agent.session, "dtmf", 3)
        assert [message["dtmf"]["digit"] for message in agent.session.of("dtmf")] == ["1", "#", "A"]
        for wrong in ("x", "1" * (MAX_DIGITS + 1)):
            with pytest.raises(ValueError, match="keys are"):
                leg.send_digits(wrong)
        assert leg.heard_digits() == ""


async def test_we_hang_up_in_order() -> None:
    async with a_stream_agent() as agent:
        async with a_call(agent.url):
            pass
        await asyncio.wait_for(agent.session.closed.wait(), 10)
        assert agent.session.heard[-1]["event"] == "stop"
        assert agent.session.heard[-1]["stop"] == {"accountSid": f"AC{ORG:032x}", "callSid": f"CA{CALL:032x}"}
        assert agent.session.connection.close_code == 1000
    assert tasks_of_streams() == []


async def test_an_agent_that_hangs_up_is_heard_to_its_end() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        await heard(agent.session, "start")
        await agent.session.say(FRAME * 10)
        await agent.session.connection.close()

        async def gone() -> bool:
            return agent.session.closed.is_set()

        await eventually(gone)
        assert leg.ended is None
        assert MULAW.decode(tick(leg, 10)) == MULAW.decode(FRAME * 10)
        assert leg.ended == "far_end"
        assert tick(leg) == QUIET


@pytest.mark.parametrize("code", [1002, 1008, 1011])
async def test_an_agent_that_fails_has_not_hung_up(code: int) -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        await agent.session.connection.close(code)

        async def ended() -> bool:
            return leg.ended is not None

        await eventually(ended)
        assert leg.ended == "broken"


async def test_an_agent_whose_connection_is_cut_has_not_hung_up() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        agent.session.connection.transport.abort()

        async def ended() -> bool:
            return leg.ended is not None

        await eventually(ended)
        assert leg.ended == "broken"
        assert len(tick(leg)) == FRAME_SAMPLES, "whoever ticks is not troubled"
