"""A relay that is not surely the leader any more sends nothing: it may have been frozen, and another one leads."""

from typing import Any

import pytest

from shared.events.topics import BILLING_ENTRIES
from shared.messaging.handover import Row
from shared.messaging.outbox import write_headers
from shared.messaging.sending import LeaseRanOut, Sending


class Producer:
    """Notes what is sent; acknowledges everything."""

    def __init__(self) -> None:
        self.batches: list[Any] = []

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    def create_batch(self) -> "Producer":
        return self

    def append(self, **record: Any) -> object:
        return object()

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        self.batches.append((topic, partition))

        async def acknowledged() -> None:
            return None

        return acknowledged()


def a_row(number: int) -> Row:
    return Row(number, BILLING_ENTRIES.name, b"1", b"{}", write_headers([]))


async def test_rows_are_sent_and_acknowledged_while_the_lock_is_surely_ours() -> None:
    producer, sending = Producer(), Sending("p.", lambda: True)
    await sending.send(producer, BILLING_ENTRIES.name, [a_row(1), a_row(2)])
    assert producer.batches == [(f"p.{BILLING_ENTRIES.name}", 0)]
    assert sending.acknowledged == [1, 2]


async def test_nothing_is_sent_or_acknowledged_once_it_is_not() -> None:
    producer, sending = Producer(), Sending("p.", lambda: False)
    with pytest.raises(LeaseRanOut):
        await sending.send(producer, BILLING_ENTRIES.name, [a_row(1)])
    assert producer.batches == []
    assert sending.acknowledged == []
