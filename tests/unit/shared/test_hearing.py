"""Deafness is counted in time spent polling, and what is not known is not nought."""

import math
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from shared.messaging.hearing import DEAF_AFTER_SECONDS, HEARD_WITHIN_SECONDS, Hearing
from shared.messaging.seats import Seats

TP = TopicPartition("p.platform-payments", 0)


class Ears:
    """A hearing with a clock of its own, and a consumer that fetches when it is told."""

    def __init__(self) -> None:
        self.now, self.stamp, self.end = 0.0, 0, 7
        self.hearing = Hearing("hearing-test", lambda: self.now)
        self.seats = Seats(service="hearing-test", topic_prefix="p.", held_back_limit_seconds=1)
        self.seats.reassigned([TP], member=True)
        self.seats.unplaced.clear()
        self.seats.positions.place(self.seats.plain(TP), 5)
        self.consumer: Any = SimpleNamespace(
            assignment=lambda: frozenset({TP}),
            last_poll_timestamp=lambda _: self.stamp,
            highwater=lambda _: self.end,
            seek=lambda *_: None,
            pause=lambda *_: None,
        )

    def poll(self, seconds: float, *, fetched: bool, broker: bool = True) -> None:
        self.now += seconds
        self.stamp += fetched
        if broker:
            self.hearing.broker_answered(missing=())
        self.hearing.polled(self.consumer, self.seats, seconds)
        self.hearing.turned()

    def lag(self) -> float | None:
        self.hearing.report_lag(self.consumer, self.seats, {TP: 5})
        labels = {"service": "hearing-test", "topic": "platform-payments", "partition": "0"}
        return REGISTRY.get_sample_value("rehearsal_consumer_lag_records", labels)


def test_who_fetches_nothing_while_the_broker_answers_is_deaf() -> None:
    ears = Ears()
    ears.poll(0.5, fetched=True)
    for _ in range(int(DEAF_AFTER_SECONDS / 0.5)):
        assert not ears.hearing.deaf()
        ears.poll(0.5, fetched=False)
    assert ears.hearing.deaf()
    ears.poll(0.5, fetched=True)
    assert not ears.hearing.deaf()


def test_who_is_no_member_of_the_group_is_deaf() -> None:
    ears = Ears()
    ears.seats.reassigned([], member=False)
    ears.consumer.assignment = frozenset
    for _ in range(int(DEAF_AFTER_SECONDS / 0.5)):
        ears.poll(0.5, fetched=False)
    assert ears.hearing.deaf()


def test_a_frozen_process_and_a_broker_that_is_away_are_not_deafness() -> None:
    ears = Ears()
    ears.poll(0.5, fetched=True)
    ears.poll(40.0, fetched=False)
    assert not ears.hearing.deaf()
    for _ in range(60):
        ears.poll(0.5, fetched=False, broker=False)
    assert not ears.hearing.deaf()
    assert "no broker answers" in ears.hearing.complaints()


def test_a_partition_that_stands_still_is_no_deafness_but_a_complaint() -> None:
    ears = Ears()
    ears.poll(0.5, fetched=True)
    ears.seats.stop(ears.consumer, TP, 5, "a broken batch", now=ears.now)
    for _ in range(60):
        ears.poll(0.5, fetched=False)
    assert not ears.hearing.deaf()
    assert ears.hearing.complaints() == ["platform-payments/0 is stopped at offset 5: a broken batch"]
    ears.seats.lift(TP)


def test_ready_is_heard_within_thirty_seconds_and_lag_that_is_not_known_is_no_number() -> None:
    ears = Ears()
    assert ears.hearing.complaints()
    ears.poll(0.5, fetched=True)
    assert ears.hearing.complaints() == []
    assert ears.lag() == 2
    for _ in range(int(HEARD_WITHIN_SECONDS / 0.5) - 1):
        ears.poll(0.5, fetched=False)
        assert ears.hearing.complaints() == []
    ears.poll(0.5, fetched=False)
    assert ears.hearing.complaints() == ["platform-payments/0 is not heard"]
    assert math.isnan(ears.lag() or 0)
    ears.hearing.disconnected()
    labels = {"service": "hearing-test", "topic": "platform-payments", "partition": "0"}
    assert REGISTRY.get_sample_value("rehearsal_consumer_lag_records", labels) is None


def test_before_it_is_placed_a_partition_is_not_heard() -> None:
    """Until then the library fetches from Kafka's own committed offsets, which count for nothing here."""
    ears = Ears()
    ears.seats.unplaced.add(TP)
    ears.poll(0.5, fetched=True)
    assert ears.hearing.complaints() == ["platform-payments/0 is not heard"]
