"""How long it takes to say something, in scripts with and without spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.caller.domain.speech import spoken_ms, spoken_within
from tests.unit.caller.builders import Script, a_call, hangs_up


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("one two three", 1_000),
        ("  one \n two\tthree ", 1_000),
        ("您好请问有什么可以帮您", 11 * 250),
        ("您好，请问有什么可以帮您？", 11 * 250),
        ("おはようございます", 9 * 250),
        ("สวัสดีครับ", 10 * 250),
        ("我的 订单", 4 * 250),
        ("我的订单是A-48213", 5 * 250 + 333),
        ("안녕하세요 무엇을 도와드릴까요", 1_000),
        ("x" * 40, 333),
        ("", 0),
    ],
)
def test_words_take_a_third_of_a_second_and_characters_without_spaces_a_quarter(text: str, ms: int) -> None:
    assert spoken_ms(text) == ms


def test_what_is_said_in_time_is_cut_between_words_or_characters() -> None:
    assert spoken_within("one two three", 700) == "one two"
    assert spoken_within("您好请问", 600) == "您好"
    assert spoken_within("one", 100) == ""


@given(text=st.text(max_size=200), ms=st.integers(min_value=0, max_value=60_000))
def test_what_is_said_in_time_takes_no_longer_and_is_the_beginning(text: str, ms: int) -> None:
    said = spoken_within(text, ms)
    assert " ".join(text.split()).startswith(said)
    assert spoken_ms(text) > ms or said == " ".join(text.split())


async def test_a_line_without_spaces_takes_its_time_in_a_call_and_is_cut_when_the_time_is_up() -> None:
    held = await a_call(bot=Script(hangs_up()), agent=Script("您好" * 20))
    assert held.turns[0].end_ms - held.turns[0].start_ms == 40 * 250
    held = await a_call(bot=Script(hangs_up()), agent=Script("您好" * 2_000))
    assert held.end_reason == "timeout"
    assert 200 < len(held.turns[0].content) < 240
