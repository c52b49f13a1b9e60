"""Batches as others make them: compressed, half readable, broken (real Kafka)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY

from shared.events.envelope import seal
from tests.support.raw_kafka import a_batch, a_record, an_lz4_that_ends_badly, configure_topic, produce
from tests.support.toy_service import Toy, a_deposit, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
PAYMENTS = "platform-payments"
CODECS = ("gzip", "snappy", "lz4", "zstd")
OF_PARTITION_0, OF_PARTITION_1 = 2, 1  # organisations, by the hash of their keys


async def _has(toy: Toy, *ids: str) -> None:
    async def all_there() -> bool:
        return sorted(await toy.ids()) == sorted(ids)

    await eventually(all_there, what=f"the deposits {ids}")


def _record(nth: int, deposit_id: str, *more: tuple[bytes, bytes]) -> bytes:
    sealed = seal(a_deposit(deposit_id), event_id=deposit_id, occurred_at=datetime.now(UTC), traceparent=None)
    headers = [*((name.encode(), value) for name, value in sealed.headers), *more]
    return a_record(nth, sealed.key or b"", sealed.value or b"", headers)


@pytest.mark.parametrize("codec", CODECS)
async def test_batches_are_read_whoever_compressed_them(toy: Toy, codec: str) -> None:
    ids = [f"d{n}" for n in range(30)]
    await toy.publish(*map(a_deposit, ids[:10]), compression=codec)
    await configure_topic(toy.bootstrap, toy.prefix + PAYMENTS, compression_type=codec)
    await toy.publish(*map(a_deposit, ids[10:20]))
    await toy.publish(*map(a_deposit, ids[20:]), compression="gzip")
    async with running(toy):
        await _has(toy, *ids)


async def test_a_record_with_an_unreadable_header_name_is_a_dead_letter_and_its_neighbours_are_read(toy: Toy) -> None:
    batch = a_batch([_record(0, "before"), _record(1, "bad", (b"\xff\xfe", b"x")), _record(2, "after")])
    await produce(toy.bootstrap, toy.prefix + PAYMENTS, 0, batch)
    await toy.publish(a_deposit("behind", org_id=OF_PARTITION_0), a_deposit("beside", org_id=OF_PARTITION_1))
    async with running(toy):
        await _has(toy, "before", "after", "behind", "beside")
        (dead,) = await toy.published(f"{PAYMENTS}-dlq", count=1)
        headers = dict(dead.headers)  # type: ignore[attr-defined]
        assert headers["dlq_reason"] == b"the name of header 8 is not UTF-8"
        assert headers["ce_subject"] == b"bad"
        await eventually(_ready(toy))


async def test_a_broken_batch_stops_its_partition_alone_until_an_operator_acts(toy: Toy) -> None:
    topic = toy.prefix + PAYMENTS
    await produce(toy.bootstrap, topic, 0, a_batch([_record(0, "before")]))
    await produce(toy.bootstrap, topic, 0, an_lz4_that_ends_badly([_record(0, "lost1"), _record(1, "lost2")]))
    await toy.publish(a_deposit("behind", org_id=OF_PARTITION_0))
    async with running(toy):
        await _has(toy, "before")
        sentence = f"{PAYMENTS}/0 is stopped at offset 1: a batch whose lz4 is broken (DecompressionError)"

        async def complains() -> bool:
            return toy.consumer.complaints() == [f"{sentence}; it ends before 3"]

        await eventually(complains)
        for n in range(3):
            await toy.publish(a_deposit(f"beside{n}", org_id=OF_PARTITION_1))
            await _has(toy, "before", *(f"beside{m}" for m in range(n + 1)))
        labels = {"service": "toy", "topic": PAYMENTS, "partition": "0"}
        assert REGISTRY.get_sample_value("rehearsal_consumer_stopped_at_offset", labels) == 1
        assert not toy.consumer.ready()
        async with toy.database.transaction() as transaction:
            await transaction.run("UPDATE consumer_offsets SET next_offset = 3 WHERE next_offset = 1 AND partition = 0")
        await _has(toy, "before", "behind", *(f"beside{m}" for m in range(3)))
        await eventually(_ready(toy))
        assert REGISTRY.get_sample_value("rehearsal_consumer_stopped_at_offset", labels) is None


def _ready(toy: Toy) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return toy.consumer.ready()

    return ready
