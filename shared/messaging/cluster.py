"""The topics that the Kafka cluster should have."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.events.topics import DEAD_LETTERS_KEPT_DAYS, MAX_DEAD_LETTERS_KEPT_DAYS, MAX_RECORD_BYTES, TOPICS, Topic
from shared.messaging.retention import complete, retentions

DEFAULT_PARTITIONS = 3
ROOM_FOR_HEADERS_BYTES = 64 * 1024
REQUEST_TIMEOUT_MS = 15_000


async def create_topics(
    bootstrap: str,
    *,
    prefix: str = "",
    topics: Iterable[Topic] = TOPICS,
    partitions: int = DEFAULT_PARTITIONS,
    replication_factor: int = 1,
    dead_letters_kept_days: int = DEAD_LETTERS_KEPT_DAYS,
) -> None:
    """Create every registered topic and its dead letters. Idempotent: an existing topic gets what it lacks alone.

    Raises ValueError for dead letters that would be kept for longer than what guards against their replay.
    """
    if not 1 <= dead_letters_kept_days <= MAX_DEAD_LETTERS_KEPT_DAYS:
        raise ValueError(f"dead letters are kept for 1 to {MAX_DEAD_LETTERS_KEPT_DAYS} days")
    configs = {
        prefix + name: {**kept, "max.message.bytes": str(MAX_RECORD_BYTES + ROOM_FOR_HEADERS_BYTES)}
        for topic in topics
        for name, kept in retentions(topic, dead_letters_kept_days=dead_letters_kept_days).items()
    }
    wanted = [NewTopic(name, partitions, replication_factor, topic_configs=own) for name, own in configs.items()]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    await admin.start()
    try:
        response = await admin.create_topics(wanted)
        for answer in response.topic_errors:
            error = for_code(answer[1])
            if answer[1] and error is not TopicAlreadyExistsError:
                raise error(f"topic {answer[0]}: {answer[2] if len(answer) > 2 else error.__name__}")
        there = [answer[0] for answer in response.topic_errors if answer[1]]
        if there:
            await complete(admin, {name: configs[name] for name in there})
    finally:
        await admin.close()
