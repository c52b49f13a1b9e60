"""What speech recognition is told that may well be said."""

from services.caller.domain.voice import manners
from services.caller.edges.calls.expecting import expected_lines


async def test_what_the_scenario_says_and_what_both_minds_say_when_they_rehearse_it_is_expected() -> None:
    lines = await expected_lines("Ask for the opening hours on Sunday.", "Ann", bot_answers=False)
    assert "Ask for the opening hours on Sunday." in lines
    assert {manners.HELLO, manners.SAY_AGAIN} <= set(lines)
    assert "Hi. What are your opening hours on Sunday, please?" in lines
    assert any("On Sundays we're closed" in line for line in lines), "the agent's answer"
    assert all(lines)
    assert lines[0] == "Ask for the opening hours on Sunday.", "the likeliest come last"
