"""The first contact: who is asked, what it takes, and that nobody is asked for the same line twice."""

import asyncio
from collections.abc import Sequence

import pytest

from services.caller.domain import conversation, limits
from services.caller.domain.call_clock import CallClock, LeaseLost
from services.caller.domain.conversation import Call
from services.caller.domain.limits import CallLimits
from services.caller.domain.turn import Party, PartyError, Reply, Side, Turn
from tests.unit.caller.builders import Script, hangs_up, instant_clock, no_sleep, said


def ringing(first: Side = "agent", clock: CallClock | None = None) -> Call:
    """A call that is not placed yet."""
    return Call(first, CallLimits.for_held_minutes(1), clock or instant_clock())


async def test_of_an_outbound_run_the_agent_answers_and_its_greeting_is_the_first_line() -> None:
    call, bot, agent = ringing("agent"), Script(hangs_up()), Script("Hello.")
    await call.place(bot=bot, agent=agent)
    assert (len(agent.heard), len(bot.heard)) == (1, 0)
    held = await call.hold()
    assert said(held, "assistant") == ["Hello."]
    assert len(agent.heard) == 1, "it is not asked for its greeting again"


async def test_of_an_inbound_run_the_bot_answers_and_the_agent_hears_it() -> None:
    call, bot, agent = ringing("bot"), Script("Hello?", hangs_up()), Script("Hello, this is Ann.")
    await call.place(bot=bot, agent=agent)
    assert [turn.content for turn in agent.heard[0]] == ["Hello?"]
    held = await call.hold()
    assert [turn.content for turn in held.turns] == ["Hello?", "Hello, this is Ann.", "Goodbye."]
    assert (len(bot.heard), len(agent.heard)) == (2, 1)


async def test_a_bot_that_hangs_up_at_once_leaves_the_agent_alone() -> None:
    call, agent = ringing("bot"), Script("Hello.")
    await call.place(bot=Script(hangs_up()), agent=agent)
    held = await call.hold()
    assert (held.end_reason, agent.heard) == ("caller_hangup", [])


async def test_ringing_is_no_time_of_the_call() -> None:
    call, agent = ringing(), Script(Reply("Hello.", think_ms=9_000, waited=True))
    await call.place(bot=Script(hangs_up()), agent=agent)
    held = await call.hold()
    assert held.turns[0].start_ms == 0
    assert held.duration_ms < 1_000


@pytest.mark.parametrize("answer", ["", PartyError("The agent's endpoint could not be reached")])
async def test_an_agent_that_does_not_answer_was_not_called(answer: str | Exception) -> None:
    with pytest.raises(PartyError):
        await ringing().place(bot=Script("Hi."), agent=Script(answer))


class Slow(Script):
    """A party that takes its time."""

    def __init__(self, line: str, seconds: float) -> None:
        super().__init__(line)
        self._seconds = seconds

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        await asyncio.sleep(self._seconds)
        return await super().take_turn(turns)


NEVER = Slow("Hello?", 60.0)


@pytest.mark.parametrize(
    ("first", "bot", "agent", "silent"),
    [
        ("agent", Script("Hi."), NEVER, "agent"),
        ("bot", Script("Hi."), NEVER, "agent"),
        ("bot", Slow("Hi.", 0.2), NEVER, "agent"),
        ("bot", NEVER, Script("Hello."), "bot"),
    ],
)
async def test_ringing_is_bounded_as_a_whole_whoever_is_slow(
    monkeypatch: pytest.MonkeyPatch, first: Side, bot: Party, agent: Party, silent: Side
) -> None:
    monkeypatch.setattr(conversation, "RING_LIMIT_SECONDS", 0.5)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(PartyError, match=conversation.SILENT[silent]):
        await ringing(first).place(bot=bot, agent=agent)
    took_seconds = loop.time() - began
    assert took_seconds >= (0.25 if silent == "bot" else 0.5) - 0.01
    # Two limits of one line each, one after the other, would be 1 s and more.
    assert took_seconds < 0.5 + 0.4


def test_a_line_may_not_take_longer_than_the_ringing_as_a_whole() -> None:
    assert limits.RING_LIMIT_SECONDS <= limits.REPLY_LIMIT_SECONDS


async def test_without_a_lease_nobody_is_asked() -> None:
    agent = Script("Hello.")
    with pytest.raises(LeaseLost):
        await ringing(clock=CallClock(1.0, lambda: False, no_sleep)).place(bot=Script("Hi."), agent=agent)
    assert agent.heard == []
