"""The leaks in words: by kind, the oldest first, each with its age; not thousands of lines."""

from deploy.books.kinds import KINDS, Finding
from deploy.books.report import MAX_NAMED, for_people


def a_leak(number: int, age_seconds: float, kind: str = "unbilled") -> Finding:
    return Finding(kind, f"run {number}", age_seconds, "api: failed", number)


def test_clean_books_are_said_to_be_clean() -> None:
    assert for_people([], seconds=1.23) == "the books are clean (looked for 1.2 s)"


def test_leaks_are_told_by_kind_with_their_meaning_the_oldest_first() -> None:
    text = for_people([a_leak(1, 59), a_leak(2, 7_300), a_leak(3, 1, "slots_otherwise")], seconds=1)
    assert text.splitlines() == [
        "3 leaks",
        f"unbilled: 2. {KINDS['unbilled']}",
        "  run 2, for 2 h: api: failed",
        "  run 1, for 59 s: api: failed",
        f"slots_otherwise: 1. {KINDS['slots_otherwise']}",
        "  run 3, for 1 s: api: failed",
    ]


def test_of_many_leaks_of_a_kind_the_oldest_are_named_and_the_others_counted() -> None:
    lines = for_people([a_leak(number, number) for number in range(1_000)], seconds=1).splitlines()
    assert len(lines) == 2 + MAX_NAMED + 1
    assert "run 999," in lines[2]
    assert f"and {1_000 - MAX_NAMED} more" in lines[-1]
