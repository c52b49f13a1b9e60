"""Topics that are missing, made again, widened: noticed, alarmed, heard (real Kafka)."""

import pytest
from prometheus_client import REGISTRY

from tests.infra.resolve import Infra
from tests.support.databases import TestDatabase
from tests.support.raw_kafka import delete_topic, make_topic, widen_topic
from tests.support.toy_service import Toy, a_deposit, a_toy, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
PAYMENTS = "platform-payments"
HEARD_AGAIN_SECONDS = 30.0  # usually 5 to 10; without a metadata age of its own the library takes 300


async def _has(toy: Toy, *ids: str) -> None:
    async def all_there() -> bool:
        return sorted(await toy.ids()) == sorted(ids)

    await eventually(all_there, within_seconds=HEARD_AGAIN_SECONDS, what=f"the deposits {ids}")


async def _complains(toy: Toy, sentence: str) -> None:
    async def complains() -> bool:
        return any(sentence in one for one in toy.consumer.complaints())

    await eventually(complains, within_seconds=HEARD_AGAIN_SECONDS, what=sentence)


async def _ready(toy: Toy) -> None:
    async def ready() -> bool:
        return toy.consumer.ready()

    await eventually(ready, within_seconds=HEARD_AGAIN_SECONDS, what=f"ready ({toy.consumer.complaints()})")


async def _make_again(toy: Toy, *, partitions: int = 2) -> None:
    await delete_topic(toy.bootstrap, toy.prefix + PAYMENTS)
    await make_topic(toy.bootstrap, toy.prefix + PAYMENTS, partitions)


async def test_a_topic_that_is_missing_at_the_start_is_named_and_heard_once_it_is_there(toy: Toy) -> None:
    await delete_topic(toy.bootstrap, toy.prefix + PAYMENTS)
    async with running(toy):
        await _complains(toy, f"topic {PAYMENTS} is missing")
        await make_topic(toy.bootstrap, toy.prefix + PAYMENTS)
        await toy.publish(a_deposit("d1"))
        await _has(toy, "d1")
        await _ready(toy)


async def test_a_topic_made_again_under_a_stopped_service_is_an_alarm_however_long_its_log_is(
    toy: Toy, test_database: TestDatabase
) -> None:
    await toy.publish(a_deposit("old"))
    async with running(toy):
        await _has(toy, "old")
    await _make_again(toy)
    again = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    await again.publish(*(a_deposit(f"new{n}") for n in range(5)))
    alarms = REGISTRY.get_sample_value("rehearsal_offsets_off_log_total", {"service": "toy"}) or 0
    async with running(again):
        await _complains(again, "the topic was deleted and made again")
        assert (REGISTRY.get_sample_value("rehearsal_offsets_off_log_total", {"service": "toy"}) or 0) > alarms
        assert await again.ids() == ["old"]
        assert not again.consumer.ready()
        async with again.database.transaction() as transaction:  # the operator says: from its beginning
            await transaction.run("DELETE FROM consumer_offsets WHERE topic = 'platform-payments'")
        await _has(again, "old", *(f"new{n}" for n in range(5)))
        await _ready(again)


async def test_a_topic_made_again_under_a_running_service_is_an_alarm_and_heard_once_an_operator_says_so(
    toy: Toy,
) -> None:
    await toy.publish(a_deposit("old1"), a_deposit("old2"))
    async with running(toy):
        await _has(toy, "old1", "old2")
        await _make_again(toy)
        await toy.publish(a_deposit("new"))
        await _complains(toy, "the topic was deleted and made again")
        assert await toy.ids() == ["old1", "old2"]
        async with toy.database.transaction() as transaction:
            await transaction.run("DELETE FROM consumer_offsets WHERE topic = 'platform-payments'")
        await _has(toy, "old1", "old2", "new")
        await _ready(toy)


async def test_offsets_of_an_earlier_version_adopt_the_topic_that_they_find(
    toy: Toy, test_database: TestDatabase
) -> None:
    await toy.publish(a_deposit("d1"))
    async with running(toy):
        await _has(toy, "d1")
    async with toy.database.transaction() as transaction:
        await transaction.run("UPDATE consumer_offsets SET topic_id = NULL")
    again = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    async with running(again):
        await again.publish(a_deposit("d2"))
        await _has(again, "d1", "d2")
        assert await again.value("SELECT count(DISTINCT topic_id) FROM consumer_offsets WHERE topic_id <> ''") == 1
        assert await again.value("SELECT count(*) FROM consumer_offsets WHERE topic_id IS NULL") == 0


async def test_new_partitions_are_heard_within_seconds(toy: Toy, infra: Infra) -> None:
    async with running(toy):
        await _ready(toy)
        await widen_topic(infra.kafka_bootstrap, toy.prefix + PAYMENTS, 5)
        orgs = range(1, 40)
        await toy.publish(*(a_deposit(f"d{org}", org_id=org) for org in orgs))
        await _has(toy, *(f"d{org}" for org in orgs))
        assert await toy.value("SELECT count(*) FROM consumer_offsets WHERE next_offset > 0") == 5
