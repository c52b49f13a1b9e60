"""A producer for as long as it is good, and whether the broker behind it answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaProducer

from shared.messaging.sending import MAX_REQUEST_BYTES
from shared.messaging.starting import uninterrupted

PRODUCER_BATCH_BYTES = 512 * 1024
REQUEST_SECONDS = 30
START_SECONDS = 10
STOP_SECONDS = 3
PATIENCE_SECONDS = 0.5
PROBE_SECONDS = 5.0


@asynccontextmanager
async def producing(
    bootstrap: str, *, client_id: str, broker_answered: Callable[[], None]
) -> AsyncIterator[AIOKafkaProducer]:
    """Connect to Kafka; call `broker_answered` then and now and then, whenever it does."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        max_batch_size=PRODUCER_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
        request_timeout_ms=REQUEST_SECONDS * 1_000,
    )
    probing: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(START_SECONDS):
            await uninterrupted(producer.start())
        broker_answered()
        probing = asyncio.create_task(_probe_for_ever(producer, broker_answered))
        yield producer
    finally:
        if probing is not None:
            probing.cancel()
        with suppress(Exception):
            async with asyncio.timeout(STOP_SECONDS):
                await _abandon(producer)


async def _probe_for_ever(producer: AIOKafkaProducer, broker_answered: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(PROBE_SECONDS)
        if await producer.client.force_metadata_update():
            broker_answered()


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Stop a producer at once. Its own stop() would go on trying to send what is unsent, for ever."""
    producer._closed = True
    await producer.client.close()
    task = producer._sender.sender_task
    while task is not None and not task.done():
        task.cancel()  # it waits for its requests at first, and is told again
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
