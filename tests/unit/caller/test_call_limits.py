"""No call is longer than what is held for it, and none goes on for ever."""

import asyncio
from collections.abc import Sequence

import pytest

from services.caller.domain import limits
from services.caller.domain.limits import HANG_UP_MARGIN_MS, CallLimits
from services.caller.domain.turn import Reply, Side, Turn
from tests.unit.caller.builders import MS_PER_WORD, Script, a_call, said

LIMIT_MS = 60_000 - HANG_UP_MARGIN_MS


@pytest.mark.parametrize("minutes", [1, 2, 3])
async def test_a_call_without_an_end_is_ended_a_margin_before_the_held_minutes_are_over(minutes: int) -> None:
    chatter = Script("So I said to him " * 4)
    held = await a_call(bot=chatter, agent=chatter, minutes=minutes)
    assert (held.end_reason, held.duration_ms) == ("timeout", minutes * 60_000 - HANG_UP_MARGIN_MS)
    assert 0 < minutes * 60_000 - held.duration_ms < 1_000, "just before, so that rounding up never costs a minute more"


async def test_words_are_cut_off_where_the_time_is_up() -> None:
    words = [f"word{nth}" for nth in range(400)]
    held = await a_call(bot=Script("Hi."), agent=Script(" ".join(words)))
    (line,) = said(held, "assistant")
    assert line.split() == words[: int(LIMIT_MS / MS_PER_WORD)], "what was spoken is kept, and nothing else"
    assert (held.end_reason, held.turns[-1].end_ms) == ("timeout", LIMIT_MS)


async def test_a_call_that_ends_with_the_last_word_in_time_is_no_timeout() -> None:
    words = int(LIMIT_MS / MS_PER_WORD)
    held = await a_call(bot=Script("Hi."), agent=Script(Reply("word " * words, "hang_up")))
    assert (held.end_reason, len(held.turns[0].content.split())) == ("agent_end", words)
    assert held.duration_ms <= LIMIT_MS


@pytest.mark.parametrize("waited", [True, False])
@pytest.mark.parametrize("side", ["agent", "bot"])
async def test_an_answer_that_comes_after_the_end_is_not_heard(side: Side, waited: bool) -> None:
    late = Reply("Sorry, I was away.", think_ms=LIMIT_MS + 1, waited=waited)
    scripts = {"agent": Script("Hello."), "bot": Script("Hi.")} | {side: Script("Hello.", late)}
    held = await a_call(bot=scripts["bot"], agent=scripts["agent"])
    assert (held.end_reason, held.duration_ms) == ("timeout", LIMIT_MS)
    assert "Sorry, I was away." not in [turn.content for turn in held.turns]


async def test_a_party_that_thinks_past_the_end_is_hung_up_on() -> None:
    class Thinker(Script):
        async def take_turn(self, turns: Sequence[Turn]) -> Reply:
            return await asyncio.Future[Reply]()

    held = await a_call(bot=Thinker(""), agent=Script(Reply("Hello.")), limits=CallLimits(max_call_ms=400))
    assert (held.end_reason, held.duration_ms) == ("timeout", 400)
    assert said(held, "assistant") == ["Hello."]


async def test_a_call_of_too_many_turns_is_ended_by_the_bot() -> None:
    held = await a_call(bot=Script("No."), agent=Script("Yes."), minutes=10)
    assert (held.end_reason, len(held.turns)) == ("caller_hangup", limits.MAX_TURNS)


@pytest.mark.parametrize("letter", ["x", "ü", "😀"])
async def test_a_call_of_too_many_bytes_is_ended_by_the_bot(letter: str) -> None:
    held = await a_call(bot=Script("No."), agent=Script(letter * limits.MAX_TURN_CHARS), minutes=10)
    written = sum(len(turn.content.encode()) for turn in held.turns)
    one_turn = 4 * limits.MAX_TURN_CHARS
    assert held.end_reason == "caller_hangup"
    assert limits.MAX_TRANSCRIPT_BYTES <= written < limits.MAX_TRANSCRIPT_BYTES + one_turn


async def test_of_a_line_that_is_too_long_only_the_beginning_is_spoken() -> None:
    held = await a_call(bot=Script("Hi."), agent=Script(Reply("y" * (limits.MAX_TURN_CHARS + 1), "hang_up")))
    assert said(held, "assistant") == ["y" * limits.MAX_TURN_CHARS]
