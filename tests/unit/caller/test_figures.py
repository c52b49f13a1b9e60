"""Figures of a call: latency from the bot's last word to the agent's first, and who talked how much."""

from services.caller.domain.figures import CallFigures, figures_of
from services.caller.domain.turn import Turn
from tests.unit.caller.builders import a_turn


def test_latency_counts_from_the_bot_s_last_word_to_the_agent_s_first() -> None:
    figures = figures_of(
        [
            a_turn("assistant", 700, 2_000),  # nobody waited for this one
            a_turn("user", 2_500, 4_000),
            a_turn("assistant", 4_900, 5_900),
            a_turn("user", 6_000, 7_000),
            a_turn("assistant", 7_300, 7_600),
        ]
    )
    assert (figures.agent_latency_p50_ms, figures.agent_latency_max_ms) == (300, 900)
    assert (figures.agent_turns, figures.bot_turns) == (3, 2)


def test_tools_between_question_and_answer_are_part_of_the_latency() -> None:
    tool = Turn("tool_call", "application/json", "{}", 1_500, 1_500)
    figures = figures_of([a_turn("user", 0, 1_000), tool, a_turn("assistant", 2_000, 3_000)])
    assert figures.agent_latency_max_ms == 1_000
    assert (figures.agent_turns, figures.bot_turns) == (1, 1), "a tool is no turn"


def test_the_talk_ratio_is_the_agent_s_share_of_what_was_spoken() -> None:
    figures = figures_of([a_turn("user", 0, 1_000), a_turn("assistant", 2_000, 5_000)])
    assert figures.agent_talk_ratio == 0.75


def test_of_a_call_in_which_nobody_spoke_nothing_is_known() -> None:
    assert figures_of([]) == CallFigures(0, 0, None, None, None)


def test_an_agent_that_never_had_to_answer_has_no_latency() -> None:
    figures = figures_of([a_turn("assistant", 0, 1_000), a_turn("user", 1_500, 2_000)])
    assert (figures.agent_latency_p50_ms, figures.agent_latency_max_ms) == (None, None)
