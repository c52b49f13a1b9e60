"""A call over SIP between the bot and an agent that is hosted here: both ends, over real packets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from services.caller.domain.call_clock import LeaseLost
from services.caller.domain.turn import Party, PartyError, Reply
from shared.events.admissions import TestCallDispatched
from shared.events.conditions import Conditions, SipAnswer
from tests.integration.calls.exchange import Exchange, an_exchange
from tests.support.waiting import eventually
from tests.unit.caller.builders import AGENT_NUMBER, BOT_NUMBER, Script, a_dispatch, hangs_up

GREETING, QUESTION, ANSWER, GOODBYE = "Hello, how can I help?", "Are you open?", "Yes, we are.", "Thanks, goodbye."


@dataclass
class Scripted:
    """Both parties of each call."""

    bot_lines: tuple[Reply | str | Exception, ...] = (QUESTION, hangs_up(GOODBYE))
    agent_lines: tuple[Reply | str | Exception, ...] = (GREETING, ANSWER)

    def bot(self, dispatch: TestCallDispatched) -> Party:
        return Script(*self.bot_lines)

    def agent(self, dispatch: TestCallDispatched) -> Party:
        return Script(*self.agent_lines)


async def holds_nothing(exchange: Exchange) -> None:
    await eventually(exchange.holds_nothing, within_seconds=10)


async def test_an_outbound_call_has_two_ends_two_transcripts_and_two_recordings(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Scripted()) as exchange:
        held, sound = await exchange.run(a_dispatch(mode="sip", recording=True))
        lines = [("assistant", GREETING), ("user", QUESTION), ("assistant", ANSWER), ("user", GOODBYE)]
        assert [(turn.role, turn.content) for turn in held.turns] == lines
        assert (held.end_reason, held.error_message) == ("caller_hangup", "")
        assert sound is not None
        assert sound.second is not None
        assert sound.second.conversation is not None
        assert [(turn.role, turn.content) for turn in sound.second.conversation.turns] == lines
        assert sound.second.call_id == 2
        assert [(one[0], one[2], one[3]) for one in exchange.announced] == [(11, BOT_NUMBER, AGENT_NUMBER)]
        assert exchange.announced[0][1] == sound.second.sip_call_id
        assert set(exchange.shelf.kept) == {False, True}
        for recorded in exchange.shelf.kept.values():
            both, rate = soundfile.read(recorded.path)
            assert (rate, both.shape[1]) == (8_000, 2)
            assert (np.abs(both).max(axis=0) > 0.05).all(), "each channel has a voice"
        assert sound.side is not None
        assert sound.side.measures.agent_latencies, "the agent's answers were measured"
        assert sound.side.measures.latency_uncertainty_ms is not None
        assert sound.side.rtp.received > 100
        assert sound.set_up_ms > 0
        await holds_nothing(exchange)


async def test_turns_stand_where_they_are_in_the_recording(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Scripted(), first_port=31_200) as exchange:
        held, _ = await exchange.run(a_dispatch(mode="sip", recording=True))
        both, rate = soundfile.read(exchange.shelf.kept[False].path)
        for turn in held.turns:
            channel = np.abs(both[:, 0 if turn.role == "user" else 1])
            said = channel[turn.start_ms * rate // 1_000 : turn.end_ms * rate // 1_000]
            assert said.mean() > 0.02
            before = channel[max(0, turn.start_ms - 200) * rate // 1_000 : max(0, turn.start_ms - 60) * rate // 1_000]
            assert not len(before) or before.max() < 0.02
        assert abs(len(both) / rate * 1_000 - held.duration_ms) < 1


async def test_an_inbound_call_is_placed_by_the_agent_and_answered_by_the_bot(tmp_path: Path) -> None:
    parties = Scripted(bot_lines=("Hello?", hangs_up(GOODBYE)), agent_lines=(GREETING,))
    async with an_exchange(tmp_path, parties, first_port=31_400) as exchange:
        held, sound = await exchange.run(a_dispatch(mode="sip", direction="inbound"))
        assert [turn.content for turn in held.turns] == ["Hello?", GREETING, GOODBYE]
        assert exchange.announced[0][2:] == (AGENT_NUMBER, BOT_NUMBER)
        assert sound is not None
        assert sound.second is not None
        assert sound.second.call_id == 2
        await holds_nothing(exchange)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [(SipAnswer(answer="486"), "busy"), (SipAnswer(answer="503"), "could not take the call")],
)
async def test_an_answer_that_was_asked_for_ends_the_run_with_its_sentence(
    tmp_path: Path, answer: SipAnswer, sentence: str
) -> None:
    dispatch = a_dispatch(mode="sip", direction="inbound", conditions=Conditions(sip_answer=answer))
    async with an_exchange(tmp_path, Scripted(), first_port=31_600) as exchange:
        held, sound = await exchange.run(dispatch)
        assert held.end_reason == "error"
        assert sentence in held.error_message
        assert (held.turns, sound) == ((), None)
        await holds_nothing(exchange)


async def test_a_transfer_by_the_agent_is_told_as_one(tmp_path: Path) -> None:
    parties = Scripted(agent_lines=(GREETING, Reply("One moment.", "transfer")))
    async with an_exchange(tmp_path, parties, first_port=31_800) as exchange:
        held, _ = await exchange.run(a_dispatch(mode="sip"))
        assert (held.end_reason, held.error_message) == ("transfer", "")


async def test_a_lost_lease_hangs_up_both_ends_and_gives_everything_back(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Scripted(), first_port=32_000) as exchange:
        call = exchange.call(a_dispatch(mode="sip", recording=True))
        await call.place()
        exchange.lease = False
        with pytest.raises(LeaseLost):
            await call.hold()
        assert await call.close() is not None
        await holds_nothing(exchange)


async def test_ports_that_are_used_up_fail_the_call_clearly_before_anybody_is_called(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Scripted(), first_port=32_200) as exchange:
        taken = [exchange.ports.take() for _ in range(100)]
        held, sound = await exchange.run(a_dispatch(mode="sip"))
        assert "media ports" in held.error_message
        assert sound is None
        for port in taken:
            port.release()
        await holds_nothing(exchange)


async def test_a_bot_that_cannot_play_its_part_calls_nobody(tmp_path: Path) -> None:
    class NoBot(Scripted):
        def bot(self, dispatch: TestCallDispatched) -> Party:
            raise PartyError("The test bot's API key is not known on this deployment")

    async with an_exchange(tmp_path, NoBot(), first_port=32_400) as exchange:
        call = exchange.call(a_dispatch(mode="sip"))
        with pytest.raises(PartyError):
            await call.place()
        assert not call.contacted
        assert await call.close() is None
        assert not exchange.announced
