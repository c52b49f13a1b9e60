"""The first contact: who is asked, what it takes, and that nobody is asked for the same line twice."""

from collections.abc import Sequence

import pytest

from services.caller.domain.call_clock import CallClock, LeaseLost
from services.caller.domain.conversation import place_call
from services.caller.domain.turn import PartyError, Reply, Turn
from tests.unit.caller.builders import Script, a_call, hangs_up, instant_clock, no_sleep, said


async def test_of_an_outbound_run_the_agent_answers_and_its_greeting_is_the_first_line() -> None:
    bot, agent = Script(hangs_up()), Script("Hello.")
    opening = await place_call(bot=bot, agent=agent, first="agent", clock=instant_clock())
    assert (opening, len(agent.heard), len(bot.heard)) == ((Reply("Hello."),), 1, 0)
    held = await a_call(bot=bot, agent=agent, opening=opening)
    assert said(held, "assistant") == ["Hello."]
    assert len(agent.heard) == 1, "it is not asked for its greeting again"


async def test_of_an_inbound_run_the_bot_answers_and_the_agent_hears_it() -> None:
    bot, agent = Script("Hello?", hangs_up()), Script("Hello, this is Ann.")
    opening = await place_call(bot=bot, agent=agent, first="bot", clock=instant_clock())
    assert [turn.content for turn in agent.heard[0]] == ["Hello?"]
    held = await a_call(bot=bot, agent=agent, first="bot", opening=opening)
    assert [turn.content for turn in held.turns] == ["Hello?", "Hello, this is Ann.", "Goodbye."]
    assert (len(bot.heard), len(agent.heard)) == (2, 1)


async def test_a_bot_that_hangs_up_at_once_leaves_the_agent_alone() -> None:
    agent = Script("Hello.")
    opening = await place_call(bot=Script(hangs_up()), agent=agent, first="bot", clock=instant_clock())
    held = await a_call(bot=Script("Hi."), agent=agent, first="bot", opening=opening)
    assert (held.end_reason, agent.heard) == ("caller_hangup", [])


async def test_ringing_is_no_time_of_the_call() -> None:
    clock = instant_clock()
    agent = Script(Reply("Hello.", think_ms=9_000, waited=True))
    opening = await place_call(bot=Script(hangs_up()), agent=agent, first="agent", clock=clock)
    held = await a_call(bot=Script(hangs_up()), agent=agent, opening=opening, clock=clock)
    assert held.turns[0].start_ms == 0
    assert held.duration_ms < 1_000


@pytest.mark.parametrize("answer", ["", PartyError("The agent's endpoint could not be reached")])
async def test_an_agent_that_does_not_answer_was_not_called(answer: str | Exception) -> None:
    with pytest.raises(PartyError):
        await place_call(bot=Script("Hi."), agent=Script(answer), first="agent", clock=instant_clock())


async def test_without_a_lease_nobody_is_asked() -> None:
    agent = Script("Hello.")
    with pytest.raises(LeaseLost):
        await place_call(bot=Script("Hi."), agent=agent, first="agent", clock=CallClock(1.0, lambda: False, no_sleep))
    assert agent.heard == []


async def test_a_lease_lost_in_the_middle_ends_the_call_without_another_word() -> None:
    lease = [True]
    agent = Script("Hello.", "Yes.")

    class Late(Script):
        async def take_turn(self, turns: Sequence[Turn]) -> Reply:
            lease[0] = False
            return await super().take_turn(turns)

    with pytest.raises(LeaseLost):
        await a_call(bot=Late("Are you open?"), agent=agent, clock=CallClock(1.0, lambda: lease[0], no_sleep))
    assert len(agent.heard) == 1
