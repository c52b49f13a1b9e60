"""How a call goes and how it ends: by somebody who hangs up, by a transfer, or by a party that cannot go on."""

import asyncio
from collections.abc import Sequence

import pytest

from services.caller.domain import conversation, limits
from services.caller.domain.conversation import Conversation
from services.caller.domain.turn import PartyError, Reply, Side, ToolUse, Turn
from tests.unit.caller.builders import Script, a_call, hangs_up, said

GREETING = "Hello, how can I help you?"


async def test_the_parties_take_turns_until_one_hangs_up() -> None:
    held = await a_call(
        bot=Script("Are you open?", hangs_up("Thanks, goodbye.")), agent=Script(GREETING, "Yes, we are.")
    )
    assert [(turn.role, turn.content) for turn in held.turns] == [
        ("assistant", GREETING),
        ("user", "Are you open?"),
        ("assistant", "Yes, we are."),
        ("user", "Thanks, goodbye."),
    ]
    assert (held.end_reason, held.error_message) == ("caller_hangup", "")


@pytest.mark.parametrize("first", ["bot", "agent"])
async def test_who_answers_the_phone_speaks_first(first: Side) -> None:
    held = await a_call(bot=Script("Hello?", hangs_up()), agent=Script(GREETING), first=first)
    assert held.turns[0].role == {"bot": "user", "agent": "assistant"}[first]


async def test_each_party_hears_everything_that_was_said_before() -> None:
    bot, agent = Script("Are you open?", hangs_up()), Script(GREETING, "Yes.")
    held = await a_call(bot=bot, agent=agent)
    assert agent.heard == [held.turns[:0], held.turns[:2]]
    assert bot.heard == [held.turns[:1], held.turns[:3]]


@pytest.mark.parametrize(
    ("bot", "agent", "end_reason"),
    [
        (Script(hangs_up()), Script(GREETING), "caller_hangup"),
        (Script("Hello?"), Script(GREETING, hangs_up("Goodbye.")), "agent_end"),
        (Script("Hello?"), Script(hangs_up("")), "agent_end"),
        (Script("A human, please."), Script(GREETING, Reply("One moment.", "transfer")), "transfer"),
    ],
)
async def test_the_reason_says_who_ended_the_call(bot: Script, agent: Script, end_reason: str) -> None:
    held = await a_call(bot=bot, agent=agent)
    assert (held.end_reason, held.error_message) == (end_reason, "")


async def test_a_party_that_cannot_go_on_ends_the_call_as_an_error_and_what_was_said_is_kept() -> None:
    held = await a_call(bot=Script("Hi."), agent=Script(GREETING, PartyError("The agent's endpoint answered 500")))
    assert (held.end_reason, held.error_message) == ("error", "The agent's endpoint answered 500")
    assert [turn.content for turn in held.turns] == [GREETING, "Hi."]


@pytest.mark.parametrize("nothing", ["", "   \n"])
@pytest.mark.parametrize(
    ("silent", "sentence"), [("agent", "The agent did not answer"), ("bot", "The test bot did not answer")]
)
async def test_a_party_that_says_nothing_is_an_error_that_names_it(silent: Side, sentence: str, nothing: str) -> None:
    scripts: dict[Side, Script] = {"bot": Script("Hi."), "agent": Script(GREETING)}
    scripts[silent] = Script(nothing)
    held = await a_call(bot=scripts["bot"], agent=scripts["agent"])
    assert (held.end_reason, held.error_message) == ("error", sentence)


async def test_tools_stand_in_the_transcript_before_what_was_said_with_them() -> None:
    tool = ToolUse('{"name": "look_up_order"}', '{"found": true}')
    held = await a_call(bot=Script(hangs_up()), agent=Script(Reply("I found it.", tools=(tool,), think_ms=900)))
    assert [(turn.role, turn.content_type, turn.content) for turn in held.turns[:3]] == [
        ("tool_call", "application/json", tool.call),
        ("tool_response", "application/json", tool.response),
        ("assistant", "text/plain", "I found it."),
    ]
    assert {(turn.start_ms, turn.end_ms) for turn in held.turns[:2]} == {(900, 900)}, "used when the thinking was over"


async def test_only_so_many_tools_of_a_turn_are_noted() -> None:
    tools = (ToolUse("{}", "{}"),) * (limits.MAX_TOOLS_OF_TURN + 1)
    held = await a_call(bot=Script(hangs_up()), agent=Script(Reply("Done.", tools=tools)))
    assert len(said(held, "tool_call")) == len(said(held, "tool_response")) == limits.MAX_TOOLS_OF_TURN


async def test_a_party_that_never_answers_is_given_up_and_not_left_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "SLICE_SECONDS", 0.01)
    monkeypatch.setattr(conversation, "MAX_TURN_SECONDS", 0.05)
    silent = Sphinx()
    held: Conversation = await a_call(bot=Script("Hi."), agent=silent)
    assert (held.end_reason, held.error_message) == ("error", "The agent did not answer")
    await silent.given_up.wait()


class Sphinx(Script):
    """Thinks for ever, and notes when nobody waits any more."""

    def __init__(self) -> None:
        super().__init__("")
        self.given_up = asyncio.Event()

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        try:
            return await asyncio.Future[Reply]()
        finally:
            self.given_up.set()


async def test_a_partys_own_time_out_is_not_the_end_of_the_customers_minutes() -> None:
    with pytest.raises(TimeoutError):
        await a_call(bot=Script("Hello."), agent=Script(TimeoutError("its own")))


@pytest.mark.parametrize("first", ["bot", "agent"])
async def test_two_rounds_of_farewells_end_a_call_that_nobody_hangs_up(first: Side) -> None:
    polite = ("Goodbye!", "Bye-bye.", "Have a nice day!", "Take care.")
    held = await a_call(bot=Script("Hi.", *polite), agent=Script(GREETING, *polite), first=first)
    assert [turn.content for turn in held.turns][2:] == ["Goodbye!", "Goodbye!", "Bye-bye.", "Bye-bye."]
    assert held.end_reason == "caller_hangup"


async def test_farewells_with_something_between_them_end_nothing() -> None:
    slogan = "Say goodbye to dirty carpets! How can I help you?"
    agent = Script(slogan, "Goodbye.", "Goodbye.", "One more thing: your order has been sent.", hangs_up("Goodbye."))
    held = await a_call(bot=Script("Hi.", "Goodbye.", "Oh?", "Goodbye.", "Goodbye."), agent=agent)
    assert held.end_reason == "agent_end"
    assert len(held.turns) == 9


async def test_an_empty_line_of_the_bots_mind_is_asked_for_once_more() -> None:
    held = await a_call(bot=Script("", "Hi.", "  ", hangs_up("Goodbye.")), agent=Script(GREETING, "Yes?"))
    assert [turn.content for turn in held.turns] == [GREETING, "Hi.", "Yes?", "Goodbye."]
    assert held.end_reason == "caller_hangup"


async def test_an_agent_is_asked_nothing_twice() -> None:
    agent = Script(GREETING, "", "I am here again.")
    held = await a_call(bot=Script("Hi."), agent=agent)
    assert (held.end_reason, held.error_message) == ("error", "The agent did not answer")
    assert len(agent.heard) == 2
