"""Records of other teams' transactions: heard when they are committed, never when they are not (real Kafka)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY

from shared.events.envelope import seal
from tests.support.toy_service import Toy, a_deposit, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
PAYMENTS = "platform-payments"
OF_PARTITION_0, OF_PARTITION_1 = 2, 1  # organisations, by the hash of their keys


@asynccontextmanager
async def _a_transactional_producer(toy: Toy) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=toy.bootstrap, transactional_id=f"{toy.prefix}bank")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, toy: Toy, *ids: str, org_id: int = OF_PARTITION_0) -> None:
    for deposit_id in ids:
        one = seal(a_deposit(deposit_id, org_id=org_id), event_id="e", occurred_at=datetime.now(UTC), traceparent=None)
        await producer.send_and_wait(toy.prefix + one.topic, key=one.key, value=one.value, headers=one.headers)


async def _has(toy: Toy, *ids: str) -> None:
    async def all_there() -> bool:
        return await toy.ids() == list(ids)

    await eventually(all_there, what=f"the deposits {ids}")


def _lag(partition: int) -> float | None:
    labels = {"service": "toy", "topic": PAYMENTS, "partition": str(partition)}
    return REGISTRY.get_sample_value("rehearsal_consumer_lag_records", labels)


async def test_money_of_an_aborted_transaction_never_counts_and_lag_returns_to_zero_behind_markers(toy: Toy) -> None:
    async with _a_transactional_producer(toy) as producer:
        async with producer.transaction():
            await _send(producer, toy, "committed")
        await producer.begin_transaction()
        await _send(producer, toy, "aborted1", "aborted2")
        await producer.abort_transaction()
        async with producer.transaction():
            await _send(producer, toy, "last")
    async with running(toy):
        await _has(toy, "committed", "last")

        async def nothing_is_left() -> bool:
            return _lag(0) == 0 and _lag(1) == 0

        await eventually(nothing_is_left)

        async def stored_behind_the_marker() -> bool:
            return await toy.value("SELECT next_offset FROM consumer_offsets WHERE partition = 0") == 7

        await eventually(stored_behind_the_marker)
    assert await toy.ids() == ["committed", "last"]


async def test_an_open_transaction_delays_its_own_partition_only(toy: Toy) -> None:
    async with running(toy), _a_transactional_producer(toy) as producer:
        await producer.begin_transaction()
        await _send(producer, toy, "in transaction")
        await toy.publish(a_deposit("behind", org_id=OF_PARTITION_0), a_deposit("beside", org_id=OF_PARTITION_1))
        await _has(toy, "beside")

        async def two_wait() -> bool:
            return _lag(0) == 2 and _lag(1) == 0

        await eventually(two_wait)
        assert await toy.ids() == ["beside"]
        assert toy.consumer.ready(), "an open transaction of others is no deafness"
        await producer.commit_transaction()
        await _has(toy, "beside", "in transaction", "behind")
