"""The consumer of a service: connects, hears, and connects anew when it is deaf."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, codec
from aiokafka.errors import KafkaError

from shared.db.database import Database
from shared.errors import Transient
from shared.events.topics import MAX_RECORD_BYTES
from shared.messaging.applying import Applier
from shared.messaging.broker import METADATA_MAX_AGE_SECONDS, Broker
from shared.messaging.hearing import Hearing
from shared.messaging.hold_back import HELD_BACK_LIMIT_SECONDS
from shared.messaging.offsets import Offsets
from shared.messaging.seats import Seats
from shared.messaging.session import Rebalances, Session
from shared.messaging.starting import uninterrupted
from shared.telemetry import logs

MAX_POLL_RECORDS = 500
MAX_GATHERED_RECORDS, ENOUGH_GATHERED_BYTES = 1_000, 512 * 1024
FETCH_WAIT_MS = 250
MAX_PARTITION_FETCH_BYTES = MAX_RECORD_BYTES + 64 * 1024
SESSION_TIMEOUT_MS = 10_000
HEARTBEAT_MS = 1_000
REQUEST_TIMEOUT_MS = 15_000
STOP_SECONDS = 5.0

log = logs.logger(__name__)


class Deaf(Transient):
    """The broker answers, and yet nothing is heard: a new connection is to be made."""


class Consumer:
    """Hears what a service hears, exactly once in effect."""

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        group: str,
        topic_prefix: str,
        database: Database,
        applier: Applier,
        gather_seconds: float = 0.0,
        held_back_limit_seconds: float = HELD_BACK_LIMIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._bootstrap = bootstrap
        self._group = group
        self._prefix = topic_prefix
        self._database = database
        self._applier = applier
        self._gather_ms = int(gather_seconds * 1_000)
        self._held_back_limit_seconds = held_back_limit_seconds
        self._clock = clock
        self._hearing = Hearing(service, clock)

    def ready(self) -> bool:
        """Say whether everything that this instance should hear is heard and applied."""
        return not self._hearing.complaints()

    def complaints(self) -> list[str]:
        """Return why it is not ready, a sentence each."""
        return self._hearing.complaints()

    async def run(self) -> None:
        """Consume for ever. Raises what a restart of the consumer may mend."""
        if not (codec.has_gzip() and codec.has_snappy() and codec.has_lz4() and codec.has_zstd()):
            log.critical("not every compression can be read: cramjam is not installed")
        while True:
            try:
                async with self._connected() as session:
                    await self._hear(session)
            except Deaf:
                log.warning("deaf: connecting anew", extra={"complaints": self._hearing.complaints()})
            finally:
                self._hearing.disconnected()

    async def _hear(self, session: Session) -> None:
        watching = asyncio.create_task(session.watch())
        try:
            while True:
                await session.turn()
                if self._hearing.deaf():
                    raise Deaf("nothing is heard")
                if watching.done():
                    watching.result()
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Session]:
        topics = {self._prefix + topic: topic for topic in self._applier.topics}
        broker = Broker(self._bootstrap, client_id=f"rehearsal-{self._service}-watch")
        consumer = self._new_consumer()
        seats = Seats(
            service=self._service, topic_prefix=self._prefix, held_back_limit_seconds=self._held_back_limit_seconds
        )
        try:
            await uninterrupted(broker.start())
            offsets = Offsets((await broker.describe(topics)).cluster_id)
            session = Session(
                service=self._service,
                consumer=consumer,
                broker=broker,
                database=self._database,
                applier=self._applier,
                offsets=offsets,
                seats=seats,
                hearing=self._hearing,
                topics=topics,
                max_poll_records=MAX_GATHERED_RECORDS if self._gather_ms else MAX_POLL_RECORDS,
                clock=self._clock,
            )
            await uninterrupted(consumer.start())
            # Only now: a start with a subscription waits for topics that may be missing.
            consumer.subscribe(list(topics), listener=Rebalances(seats, session.let_go))
            try:
                yield session
            finally:
                await session.let_go()
        finally:
            seats.reassigned((), member=False)
            await _stop(consumer)
            await broker.close()

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=f"rehearsal-{self._service}",
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
            fetch_max_wait_ms=self._gather_ms or FETCH_WAIT_MS,
            fetch_min_bytes=ENOUGH_GATHERED_BYTES if self._gather_ms else 1,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            metadata_max_age_ms=METADATA_MAX_AGE_SECONDS * 1_000,
        )


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close the connections; without the group where its coordinator does not answer."""
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await consumer.stop()
            return
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await consumer._client.close()
