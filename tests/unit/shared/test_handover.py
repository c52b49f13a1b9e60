"""What is committed is handed over in the order in which the commits were asked for, whatever is heard of them when."""

from collections.abc import Sequence

import pytest

from shared.messaging import handover
from shared.messaging.handover import Handover, Row


class Taking:
    """A leader that notes what it gets."""

    def __init__(self, handed_over: Handover) -> None:
        self.taken: list[int] = []
        self.announced = 0
        handed_over.taker = self

    def take(self, rows: Sequence[Row]) -> None:
        self.taken.extend(row.id for row in rows)

    def announce(self) -> None:
        self.announced += 1


def a_row(number: int) -> Row:
    return Row(number, "topic", b"key", b"{}", [])


def test_answers_that_are_heard_in_another_order_change_nothing() -> None:
    queue = Handover()
    leader = Taking(queue)
    first, second, third = (queue.ask([a_row(number)]) for number in (1, 2, 3))
    third(True)
    second(True)
    assert leader.taken == [], "the first may have let go of its locks, and they may follow from it"
    assert list(queue.ids()) == [1, 2, 3]
    first(True)
    assert leader.taken == [1, 2, 3]
    assert list(queue.ids()) == []


def test_after_a_commit_of_unknown_outcome_the_table_is_read_before_anything_newer_is_taken() -> None:
    queue = Handover()
    leader = Taking(queue)
    first, second = queue.ask([a_row(1)]), queue.ask([a_row(2)])
    second(True)
    first(False)
    assert leader.announced == 1
    assert leader.taken == [2]
    assert queue.in_doubt()


def test_a_leader_of_later_hears_of_the_doubt_too() -> None:
    queue = Handover()
    queue.ask([a_row(1)])(False)
    Taking(queue)
    assert queue.in_doubt()


def test_a_commit_without_an_answer_stops_the_others_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Handover()
    leader = Taking(queue)
    queue.ask([a_row(1)])
    queue.ask([a_row(2)])(True)
    queue.give_up_waiting()
    assert leader.taken == []
    monkeypatch.setattr(handover, "COMMIT_PATIENCE_SECONDS", -1.0)
    queue.give_up_waiting()
    assert leader.announced == 1
    assert leader.taken == [2]
    assert queue.in_doubt()


@pytest.mark.parametrize("surely", [True, False])
def test_an_answer_that_comes_after_all_prolongs_the_doubt_and_hands_nothing_over(
    monkeypatch: pytest.MonkeyPatch, surely: bool
) -> None:
    monkeypatch.setattr(handover, "COMMIT_PATIENCE_SECONDS", -1.0)
    queue = Handover()
    leader = Taking(queue)
    outcome = queue.ask([a_row(1)])
    queue.give_up_waiting()
    outcome(surely)
    assert leader.announced == 2, "it is in the table by now, or may be"
    assert leader.taken == []


def test_nobody_who_does_not_lead_keeps_anything() -> None:
    queue = Handover()
    queue.ask([a_row(1)])(True)
    assert list(queue.ids()) == []
