"""The topics that the Kafka cluster should have."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.events.topics import MAX_RECORD_BYTES, TOPICS, Topic

DEFAULT_PARTITIONS = 3
DEFAULT_RETENTION_MS = 7 * 24 * 3_600 * 1_000
FOR_EVER_MS = -1
ROOM_FOR_HEADERS_BYTES = 64 * 1024
REQUEST_TIMEOUT_MS = 15_000


async def create_topics(
    bootstrap: str,
    *,
    prefix: str = "",
    topics: Iterable[Topic] = TOPICS,
    partitions: int = DEFAULT_PARTITIONS,
    replication_factor: int = 1,
    retention_ms: int = DEFAULT_RETENTION_MS,
) -> None:
    """Create every registered topic and its dead letters. Idempotent: an existing topic stays as it is."""
    wanted = []
    for topic in topics:
        kept_ms = FOR_EVER_MS if topic.kept_for_ever else retention_ms
        for name, kept in ((topic.name, kept_ms), (topic.dlq, FOR_EVER_MS)):
            configs = {"retention.ms": str(kept), "max.message.bytes": str(MAX_RECORD_BYTES + ROOM_FOR_HEADERS_BYTES)}
            wanted.append(NewTopic(prefix + name, partitions, replication_factor, topic_configs=configs))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    await admin.start()
    try:
        response = await admin.create_topics(wanted)
    finally:
        await admin.close()
    for answer in response.topic_errors:
        error = for_code(answer[1])
        if answer[1] and error is not TopicAlreadyExistsError:
            raise error(f"topic {answer[0]}: {answer[2] if len(answer) > 2 else error.__name__}")
