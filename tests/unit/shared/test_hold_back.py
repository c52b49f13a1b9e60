"""Hold-back: a partition waits at one record, is tried again, and not for ever."""

from types import SimpleNamespace

from shared.messaging.hold_back import HELD_BACK_SECONDS, HoldBack


def record(offset: int) -> SimpleNamespace:
    return SimpleNamespace(offset=offset)


def test_a_held_partition_is_due_again_after_a_moment() -> None:
    waits = HoldBack(limit_seconds=10)
    assert waits.hold("p", record(7), now=100.0)
    assert waits.held() == {"p"}
    assert waits.due(100.0) == []
    assert waits.due(100.0 + HELD_BACK_SECONDS) == ["p"]
    assert waits.held() == frozenset()


def test_the_wait_of_one_record_is_counted_over_all_its_tries() -> None:
    waits = HoldBack(limit_seconds=10)
    for now in range(100, 111):
        assert waits.hold("p", record(7), now=float(now))
    assert not waits.hold("p", record(7), now=110.5), "given up"
    assert waits.held() == frozenset()


def test_another_record_begins_its_own_wait() -> None:
    waits = HoldBack(limit_seconds=10)
    assert waits.hold("p", record(7), now=100.0)
    assert waits.hold("p", record(8), now=110.5)
    assert waits.hold("p", record(8), now=120.0)


def test_a_partition_that_moved_on_is_forgotten() -> None:
    waits = HoldBack(limit_seconds=10)
    waits.hold("p", record(7), now=100.0)
    waits.forget("p")
    assert waits.held() == frozenset()
    assert waits.due(200.0) == []
