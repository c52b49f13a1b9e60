"""baresip says a sound, records what it hears, presses keys, holds: the same is heard, recorded and told by us."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from deploy.local.sip_peers import Stack
from services.caller.domain.media import FRAME_SAMPLES
from services.caller.edges.media.ports import Ports
from services.caller.edges.sip.agent import PCMA, PCMU, Accept, Invited, SipCall
from services.caller.edges.sip.user_agent import UserAgent
from shared.events.connection import SipConnection
from tests.integration.calls.exchange import an_exchange
from tests.integration.calls.test_loopback import Scripted, holds_nothing
from tests.support.baresip import Baresip, a_telephone
from tests.support.buzzing import Buzzing, buzz
from tests.support.sip_stacks import an_open_agent, call_to
from tests.support.sounding import AUDIBLE, End, a_clock, an_end, loudness, pitch_hz, purity, voiced
from tests.support.waiting import eventually
from tests.unit.caller.builders import a_dispatch, hangs_up
from tests.unit.caller.media.pair import HOST, tone

OURS_HZ, THEIRS_HZ = 400.0, 700.0
NEAR_HZ = 3.0
PURE = 0.95
LOUD = 0.1  # of full scale, as both tones are sent with 0.17
LONG = 3_000  # frames: longer than any of these calls
SILENT_LINE_SECONDS = 0.5
FIRST_PORT, LAST_PORT = 20_000, 20_199
OUR_TONE, THEIR_TONE = (b"".join(tone(LONG, hertz)) for hertz in (OURS_HZ, THEIRS_HZ))


@asynccontextmanager
async def a_call(agent: UserAgent, phone: Baresip, *, we_place: bool) -> AsyncIterator[tuple[SipCall, End]]:
    """A call between us and the telephone, whoever places it, in which we say our tone."""
    port = Ports(HOST, FIRST_PORT, LAST_PORT, reuse_after_seconds=0.0).take()
    local_media = (port.host, port.port)
    if we_place:
        call = await agent.place(replace(call_to(phone.address, "baresip"), local_media=local_media))
    else:
        calls: asyncio.Queue[SipCall] = asyncio.Queue()

        async def accept(invited: Invited) -> Accept:
            return Accept(local_media, calls.put_nowait)

        agent.on_invite(accept)
        await phone.tell("dial", f"sip:4930100@{HOST}:{agent.port}")
        call = await asyncio.wait_for(calls.get(), 20)
    async with a_clock() as clock:
        with an_end(call, port, clock, says=OUR_TONE, silent_line_seconds=SILENT_LINE_SECONDS) as end:
            yield call, end


@pytest.mark.sip
@pytest.mark.parametrize("we_place", [True, False], ids=["answering", "dialling"])
@pytest.mark.parametrize(("codec", "payload_type"), [("pcmu", PCMU), ("pcma", PCMA)])
async def test_each_hears_the_others_sound_and_keys(
    baresip: Stack, codec: str, payload_type: int, we_place: bool
) -> None:
    async with (
        an_open_agent() as agent,
        a_telephone(baresip, says=THEIR_TONE, codecs=codec) as phone,
        a_call(agent, phone, we_place=we_place) as (call, end),
    ):
        assert call.media.payload_type == payload_type
        await eventually(partial(_is_heard, end), what="baresip's tone")
        ours = await end.listens(1_000)
        end.leg.send_digits("15#")
        for digit in "9*":
            await phone.tell("sndcode", digit)
        await eventually(partial(_have_pressed, phone, "15#", end, "9*"), what="the keys of both")
        await call.hang_up()
        assert end.leg.ended == "far_end"
        await eventually(partial(_has_recorded, phone), what="baresip's recording")
        theirs = voiced(phone.heard())
    assert len(theirs) > len(ours)
    for sound, hertz in ((ours, THEIRS_HZ), (theirs, OURS_HZ)):
        assert loudness(sound) > LOUD
        assert pitch_hz(sound) == pytest.approx(hertz, abs=NEAR_HZ)
        assert purity(sound) > PURE


@pytest.mark.sip
@pytest.mark.parametrize("we_place", [True, False], ids=["answering", "dialling"])
async def test_a_call_that_is_held_is_silent_without_end_and_goes_on_afterwards(baresip: Stack, we_place: bool) -> None:
    """This baresip records nothing after a hold, so that it is a key that shows that it hears us."""
    async with (
        an_open_agent() as agent,
        a_telephone(baresip, says=THEIR_TONE) as phone,
        a_call(agent, phone, we_place=we_place) as (call, end),
    ):
        for digits in ("", "4", "42"):
            await eventually(partial(_is_heard, end), what="baresip's tone")
            assert pitch_hz(await end.listens(500)) == pytest.approx(THEIRS_HZ, abs=NEAR_HZ)
            end.leg.send_digits(digits[-1:])
            await eventually(partial(_have_pressed, phone, digits, end, ""), what="a key")
            await phone.tell("hold")
            await eventually(partial(_holds, call, True), what="hold")
            held = await end.listens(int(3_000 * SILENT_LINE_SECONDS))
            assert np.abs(held[FRAME_SAMPLES:]).max() == 0
            assert end.leg.ended is None
            await phone.tell("resume")
            await eventually(partial(_holds, call, False), what="resume")
        await phone.tell("hangup")
        assert (await asyncio.wait_for(asyncio.shield(call.ended), 20)).by == "far_end"


@pytest.mark.sip
async def test_a_whole_call_is_talked_with_baresip_as_the_agent(baresip: Stack, tmp_path: Path) -> None:
    """The agent's two lines are in its file; the bot hears the first, asks, hears the second, and hangs up."""
    greeting, question, answer = "Hello, how can I help?", "Are you open?", "Yes, we are."
    speech = Buzzing()
    lines = [await speech.say(line, "") for line in (greeting, answer, question)]
    pause = bytes(len(buzz(4_000)))
    says = bytes(len(buzz(600))) + lines[0] + pause + lines[1] + 4 * pause
    parties = Scripted(bot_lines=(question, hangs_up("Goodbye.")))
    async with (
        a_telephone(baresip, says=says, codecs="pcma") as phone,
        an_exchange(tmp_path, parties, first_port=FIRST_PORT, speech=speech) as exchange,
    ):
        dispatch = a_dispatch(mode="sip", recording=True)
        connection = SipConnection(kind="sip", uri=f"sip:baresip@{HOST}:{phone.address[1]}")
        target = dispatch.target.model_copy(update={"connection": connection})
        held, sound = await exchange.run(dispatch.model_copy(update={"target": target}))
        await holds_nothing(exchange)
        await eventually(partial(_has_recorded, phone), what="baresip's recording")
        theirs = phone.heard()
    assert [turn.content for turn in held.turns] == [greeting, question, answer, "Goodbye."]
    assert (held.end_reason, held.error_message) == ("caller_hangup", "")
    assert sound is not None
    assert sound.side is not None
    assert len(sound.side.measures.agent_latencies) >= 1
    assert False in exchange.shelf.kept
    said_ms = [turn.end_ms - turn.start_ms for turn in held.turns if turn.role == "user"]
    assert np.count_nonzero(np.abs(theirs) > AUDIBLE) > 8 * sum(said_ms) / 2, "the bot's lines are in its recording"


async def _is_heard(end: End) -> bool:
    return loudness(end.heard(max(0, end.now_ms - 200))) > LOUD


async def _have_pressed(phone: Baresip, we_pressed: str, end: End, it_pressed: str) -> bool:
    return phone.digits == we_pressed and end.digits == it_pressed


async def _has_recorded(phone: Baresip) -> bool:
    return len(phone.heard()) > 0


async def _holds(call: SipCall, held: bool) -> bool:
    return call.held is held
