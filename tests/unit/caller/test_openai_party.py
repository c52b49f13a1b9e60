"""A party behind a chat endpoint: what it is told, and how what it answers becomes a turn."""

import pytest

from services.caller.domain.limits import MAX_TURN_CHARS
from services.caller.domain.turn import Side, Turn
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.parties.chat.shapes import RINGS
from tests.unit.caller.builders import a_turn
from tests.unit.caller.endpoint import KEY, PROMPT, Endpoint, saying

SYSTEM = ("system", PROMPT)
TALK = (
    a_turn("assistant", 0, 1, "Hello."),
    a_turn("user", 1, 2, "Hi."),
    Turn("tool_call", "application/json", "{}", 2, 2),
    a_turn("assistant", 2, 3, "Yes?"),
)


@pytest.mark.parametrize(
    ("side", "turns", "seen"),
    [
        ("agent", (), [("user", RINGS)]),
        ("bot", (), [("user", RINGS)]),
        ("bot", TALK[:1], [("user", "Hello.")]),
        ("agent", TALK[:2], [("user", RINGS), ("assistant", "Hello."), ("user", "Hi.")]),
        ("bot", TALK, [("user", "Hello."), ("assistant", "Hi."), ("user", "Yes?")]),
        ("agent", TALK[1:2], [("user", "Hi.")]),
    ],
)
async def test_each_side_sees_itself_as_the_assistant(
    endpoint: Endpoint, asks: HttpAsks, side: Side, turns: tuple[Turn, ...], seen: list[tuple[str, str]]
) -> None:
    await endpoint.party(asks, side).take_turn(turns)
    (asked,) = endpoint.asked
    assert [(one["role"], one["content"]) for one in asked["messages"]] == [SYSTEM, *seen]
    assert asked["model"] == "m"
    assert endpoint.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(("side", "tools"), [("agent", ["end_call", "transfer_call"]), ("bot", ["end_call"])])
async def test_only_an_agent_is_offered_to_transfer(
    endpoint: Endpoint, asks: HttpAsks, side: Side, tools: list[str]
) -> None:
    await endpoint.party(asks, side).take_turn(())
    assert [tool["function"]["name"] for tool in endpoint.asked[0]["tools"]] == tools


@pytest.mark.parametrize(("tool", "ending"), [("end_call", "hang_up"), ("transfer_call", "transfer")])
async def test_a_tool_ends_the_call(endpoint: Endpoint, asks: HttpAsks, tool: str, ending: str) -> None:
    endpoint.answers = [saying("One moment.", tool)]
    reply = await endpoint.party(asks).take_turn(())
    assert (reply.text, reply.ending, len(reply.tools)) == ("One moment.", ending, 1)
    assert tool in reply.tools[0].call


async def test_a_tool_that_nobody_offered_is_noted_and_ends_nothing(endpoint: Endpoint, asks: HttpAsks) -> None:
    endpoint.answers = [saying("Let me see.", "open_the_safe")]
    reply = await endpoint.party(asks).take_turn(())
    assert reply.ending == "none"
    assert '"ok": false' in reply.tools[0].response


async def test_a_tool_without_a_word_ends_the_call_too(endpoint: Endpoint, asks: HttpAsks) -> None:
    endpoint.answers = [saying(None, "end_call")]
    reply = await endpoint.party(asks).take_turn(())
    assert (reply.text, reply.ending) == ("", "hang_up")


@pytest.mark.parametrize(
    ("text", "spoken", "ending"),
    [
        ("Goodbye. [END_CALL]", "Goodbye.", "hang_up"),
        ("[END_CALL]", "", "hang_up"),
        ("One moment. [TRANSFER_CALL]", "One moment.", "transfer"),
        ("Do not write END_CALL.", "Do not write END_CALL.", "none"),
    ],
)
async def test_a_marker_ends_the_call_and_is_not_spoken(
    endpoint: Endpoint, asks: HttpAsks, text: str, spoken: str, ending: str
) -> None:
    endpoint.answers = [saying(text)]
    reply = await endpoint.party(asks).take_turn(())
    assert (reply.text, reply.ending) == (spoken, ending)


async def test_the_time_that_it_took_is_real_time_of_the_call(endpoint: Endpoint, asks: HttpAsks) -> None:
    reply = await endpoint.party(asks).take_turn(())
    assert reply.waited
    assert 0 <= reply.think_ms < 10_000


async def test_a_text_that_is_too_long_is_cut(endpoint: Endpoint, asks: HttpAsks) -> None:
    endpoint.answers = [saying("x" * (MAX_TURN_CHARS + 1))]
    assert len((await endpoint.party(asks).take_turn(())).text) == MAX_TURN_CHARS


async def test_a_key_is_not_needed(endpoint: Endpoint, asks: HttpAsks) -> None:
    assert (await endpoint.party(asks, key="").take_turn(())).text == "Hello."
    assert endpoint.keys == [None]


@pytest.mark.parametrize("prompt", ["", " \n"])
async def test_an_empty_prompt_is_not_sent(endpoint: Endpoint, asks: HttpAsks, prompt: str) -> None:
    await endpoint.party(asks, prompt=prompt).take_turn(())
    assert [one["role"] for one in endpoint.asked[0]["messages"]] == ["user"]
