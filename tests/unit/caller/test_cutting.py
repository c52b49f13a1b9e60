"""A call that is cut keeps what it was until then: its duration, and what was said, to the word."""

import asyncio
from collections.abc import Sequence

import pytest

from services.caller.domain import conversation
from services.caller.domain.call_clock import CallClock, LeaseLost
from services.caller.domain.conversation import Call
from services.caller.domain.limits import CallLimits
from services.caller.domain.turn import Party, PartyError, Reply, Turn
from tests.unit.caller.builders import MS_PER_WORD, Script, no_sleep


class Lease:
    """Holds for so many slices of sleep."""

    def __init__(self, slices: float) -> None:
        self.slices = slices

    async def sleep(self, seconds: float) -> None:
        self.slices -= 1

    def holds(self) -> bool:
        return self.slices > 0


async def cut(bot: Party, agent: Party, clock: CallClock, *, by: type[Exception]) -> conversation.Conversation:
    """Hold a call until something cuts it."""
    call = Call("agent", CallLimits.for_held_minutes(1), clock)
    await call.place(bot=bot, agent=agent)
    with pytest.raises(by):
        await call.hold()
    return call.cut("It was cut")


async def test_in_the_middle_of_a_sentence_the_words_that_were_spoken_are_kept() -> None:
    lease = Lease(slices=10)  # of 250 ms
    words = [f"word{nth}" for nth in range(60)]
    held = await cut(Script("Hi."), Script(" ".join(words)), CallClock(1.0, lease.holds, lease.sleep), by=LeaseLost)
    assert (held.end_reason, held.error_message, held.duration_ms) == ("error", "It was cut", 2_500)
    (turn,) = held.turns
    assert turn.content.split() == words[: int(2_500 / MS_PER_WORD)]
    assert (turn.start_ms, turn.end_ms) == (0, 2_500)


async def test_with_the_last_word_the_whole_sentence_is_kept() -> None:
    lease = Lease(slices=2)  # the sentence takes 333 ms
    held = await cut(Script("Hi."), Script("Hello!"), CallClock(1.0, lease.holds, lease.sleep), by=LeaseLost)
    assert [turn.content for turn in held.turns] == ["Hello!"]


async def test_while_a_party_thinks_the_time_it_took_until_then_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "SLICE_SECONDS", 0.01)
    lease = [True]

    class Thinker(Script):
        async def take_turn(self, turns: Sequence[Turn]) -> Reply:
            await asyncio.sleep(0.3)
            lease[0] = False
            return await asyncio.Future[Reply]()

    clock = CallClock(1e9, lambda: lease[0], no_sleep)
    held = await cut(Thinker(""), Script("Hello."), clock, by=LeaseLost)
    assert 300 <= held.duration_ms - round(MS_PER_WORD) < 2_000
    assert [turn.content for turn in held.turns] == ["Hello."]


async def test_a_lease_lost_while_a_party_answers_ends_the_call_without_another_word() -> None:
    lease = [True]
    agent = Script("Hello.", "Yes.")

    class Late(Script):
        async def take_turn(self, turns: Sequence[Turn]) -> Reply:
            lease[0] = False
            return await super().take_turn(turns)

    held = await cut(Late("Are you open?"), agent, CallClock(1.0, lambda: lease[0], no_sleep), by=LeaseLost)
    assert len(agent.heard) == 1
    assert [turn.content for turn in held.turns] == ["Hello."]


@pytest.mark.parametrize("fault", [PartyError("It broke"), RuntimeError("our own")])
async def test_by_a_party_or_by_a_fault_of_ours_what_was_said_is_kept(fault: Exception) -> None:
    held = await cut(Script(fault), Script("Hello."), CallClock(1.0, lambda: True, no_sleep), by=type(fault))
    assert [turn.content for turn in held.turns] == ["Hello."]
    assert held.duration_ms == round(MS_PER_WORD)


async def test_before_anybody_has_said_anything_it_is_nothing() -> None:
    call = Call("agent", CallLimits.for_held_minutes(1), CallClock(1.0, lambda: True, no_sleep))
    held = call.cut("It was cut")
    assert (held.turns, held.duration_ms, held.end_reason) == ((), 0, "error")


async def test_a_silent_party_s_silence_was_time_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_TURN_SECONDS", 0.3)

    class Sphinx(Script):
        async def take_turn(self, turns: Sequence[Turn]) -> Reply:
            return await asyncio.Future[Reply]()

    held = await cut(Sphinx(""), Script("Hello."), CallClock(1.0, lambda: True, no_sleep), by=PartyError)
    assert held.duration_ms - round(MS_PER_WORD) >= 295
