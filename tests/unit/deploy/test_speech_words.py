"""From what is written to what is said, and back."""

import pytest

from deploy.local.speech.language_model import arpa
from deploy.local.speech.words import Writing, cardinal, variants


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "zero"), (13, "thirteen"), (20, "twenty"), (48, "forty eight"), (100, "one hundred"),
     (731, "seven hundred thirty one"), (7_731, "seven thousand seven hundred thirty one"),
     (120_001, "one hundred twenty thousand one")],
)  # fmt: skip
def test_numbers_are_said(number: int, said: str) -> None:
    assert " ".join(cardinal(number)) == said


@pytest.mark.parametrize(
    ("line", "ways"),
    [
        ("Hello, it's me!", ["hello it's me"]),
        ("It's 48213.", ["it's forty eight thousand two hundred thirteen", "it's four eight two one three"]),
        ("A-7731", ["a seven thousand seven hundred thirty one", "a seven seven three one"]),
        ("from 9 a.m. to 6 pm", ["from nine a m to six p m"]),
        ("at 10:30", ["at ten thirty"]),
        ("$12.50", ["twelve dollars fifty cents"]),
        ("8005551234", ["eight zero zero five five five one two three four"]),
        ("naïve “e-mail”", ["naive e mail"]),
        ("…", []),
        ("日本", []),
    ],
)
def test_a_line_has_a_variant_for_each_way_to_say_it(line: str, ways: list[str]) -> None:
    assert [" ".join(way) for way in variants(line)] == ways


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("thank you it's four eight two one three", "Thank you. It's 48213."),
        ("four eight two one three", "48213"),
        ("is it nine a m", "is it 9 am"),
        ("you said thirty days maria", "you said 30 days Maria"),
        ("it was one two three four five", "it was 12345"),
        ("one or two", "one or two"),
        ("i think i'm lost", "I think I'm lost"),
        ("", ""),
    ],
)
def test_what_was_said_is_written_as_it_was_expected(said: str, written: str) -> None:
    expected = ("Thank you.", "It's 48213.", "Open at 9 am.", "Within 30 days, Maria.")
    assert Writing(expected).of(said.split()) == written


def shares(model: str, order: int) -> dict[str, float]:
    part = model.partition(f"\\{order}-grams:\n")[2].partition("\n\n")[0]
    rows = [row.split("\t") for row in part.splitlines()]
    return {row[1]: 10 ** float(row[0]) for row in rows}


def test_the_model_is_one_of_shares() -> None:
    lines = [tuple(line.split()) for line in ("yes please go ahead", "yes thank you", "no thank you")]
    model = arpa(lines, {"perhaps": 0.5, "you": 0.5})
    single = shares(model, 1)
    assert sum(single.values()) == pytest.approx(1, abs=0.01)
    assert single["perhaps"] == pytest.approx(0.025, abs=0.001)
    pairs = shares(model, 2)
    assert pairs["thank you"] > pairs["yes thank"] > single["thank"]
    assert "ngram 3=" in model
    assert arpa([], {}).count("<s>") >= 1, "nothing expected is a model too"
