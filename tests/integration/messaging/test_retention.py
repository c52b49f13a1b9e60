"""Topics keep their records as long as they should, those as well that were made before it was said how long."""

import secrets

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from services.billing.edges.kept import ANSWERS_KEPT_DAYS
from shared.events.topics import (
    BILLING_ENTRIES,
    DEAD_LETTERS_KEPT_DAYS,
    KEPT_DAYS,
    MAX_DEAD_LETTERS_KEPT_DAYS,
    PLATFORM_PAYMENTS,
    SEGMENT_DAYS,
)
from shared.messaging.cluster import create_topics
from shared.messaging.retention import MS_PER_DAY, OWN
from tests.infra.resolve import Infra

pytestmark = pytest.mark.integration

DAY = str(MS_PER_DAY)


async def own_configs(bootstrap: str, topic: str) -> dict[str, str]:
    """What is set for a topic itself."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    ((code, _, _, _, entries),) = answer.resources
    assert code == 0
    return {entry[0]: entry[1] for entry in entries if entry[3] == OWN}


async def make(bootstrap: str, topic: str, configs: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=configs)])
    finally:
        await admin.close()


@pytest.fixture
def prefix() -> str:
    return f"t{secrets.token_hex(4)}."


async def test_dead_letters_go_after_two_weeks_and_payments_never(infra: Infra, prefix: str) -> None:
    await create_topics(infra.kafka_bootstrap, prefix=prefix, topics=[BILLING_ENTRIES, PLATFORM_PAYMENTS], partitions=1)
    kept = {
        name: (await own_configs(infra.kafka_bootstrap, prefix + name)).get("retention.ms")
        for name in ("billing-entries", "billing-entries-dlq", "platform-payments", "platform-payments-dlq")
    }
    dead = str(DEAD_LETTERS_KEPT_DAYS * MS_PER_DAY)
    assert kept == {
        "billing-entries": str(KEPT_DAYS * MS_PER_DAY),
        "billing-entries-dlq": dead,
        "platform-payments": "-1",
        "platform-payments-dlq": dead,
    }
    assert (await own_configs(infra.kafka_bootstrap, prefix + "billing-entries"))["segment.ms"] == DAY


async def test_topics_that_are_there_get_what_they_lack_and_keep_what_an_operator_set(
    infra: Infra, prefix: str
) -> None:
    kafka = infra.kafka_bootstrap
    await make(kafka, prefix + "billing-entries", {"retention.ms": "86400000", "max.message.bytes": "3000000"})
    await make(kafka, prefix + "billing-entries-dlq", {"retention.ms": "-1", "max.message.bytes": "3000000"})
    await make(kafka, prefix + "platform-payments-dlq", {"retention.ms": DAY, "segment.ms": "3600000"})
    for _ in range(2):
        await create_topics(kafka, prefix=prefix, topics=[BILLING_ENTRIES, PLATFORM_PAYMENTS], partitions=1)
    assert await own_configs(kafka, prefix + "billing-entries") == {
        "retention.ms": "86400000",
        "max.message.bytes": "3000000",
        "segment.ms": DAY,
    }
    assert await own_configs(kafka, prefix + "billing-entries-dlq") == {
        "retention.ms": str(DEAD_LETTERS_KEPT_DAYS * MS_PER_DAY),
        "max.message.bytes": "3000000",
        "segment.ms": DAY,
    }
    given = await own_configs(kafka, prefix + "platform-payments-dlq")
    assert (given["retention.ms"], given["segment.ms"]) == (DAY, "3600000")


async def test_an_operator_decides_how_long_dead_letters_are_kept(infra: Infra, prefix: str) -> None:
    await create_topics(
        infra.kafka_bootstrap, prefix=prefix, topics=[BILLING_ENTRIES], partitions=1, dead_letters_kept_days=3
    )
    assert (await own_configs(infra.kafka_bootstrap, prefix + "billing-entries-dlq"))["retention.ms"] == str(
        3 * MS_PER_DAY
    )


@pytest.mark.parametrize("days", [0, MAX_DEAD_LETTERS_KEPT_DAYS + 1])
async def test_dead_letters_are_not_kept_for_longer_than_what_guards_against_their_replay(days: int) -> None:
    with pytest.raises(ValueError, match="1 to 28 days"):
        await create_topics("127.0.0.1:1", dead_letters_kept_days=days)


def test_billing_remembers_for_longer_than_the_oldest_dead_letter() -> None:
    assert ANSWERS_KEPT_DAYS > MAX_DEAD_LETTERS_KEPT_DAYS + SEGMENT_DAYS
