"""A stand-in for the platform's other services: publishes their events, acknowledged, in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from shared.events.envelope import seal
from shared.events.event import Event

REQUEST_TIMEOUT_MS = 15_000


class Platform:
    """Publishes events under a topic prefix."""

    def __init__(self, producer: AIOKafkaProducer, topic_prefix: str) -> None:
        self._producer = producer
        self._topic_prefix = topic_prefix

    async def publish(self, events: Sequence[Event]) -> None:
        """Publish events and wait until the broker has them."""
        sent = []
        for event in events:
            one = seal(event, event_id=str(uuid4()), occurred_at=datetime.now(UTC), traceparent=None)
            topic = self._topic_prefix + one.topic
            sent.append(await self._producer.send(topic, key=one.key, value=one.value, headers=one.headers))
        for acknowledged in sent:
            await acknowledged


@asynccontextmanager
async def platform(bootstrap: str, topic_prefix: str = "") -> AsyncIterator[Platform]:
    """Open a connection to the broker."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    await producer.start()
    try:
        yield Platform(producer, topic_prefix)
    finally:
        await producer.stop()
