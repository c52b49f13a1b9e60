"""One connection's poll loop: place, poll, apply, report."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from shared.db.database import Database
from shared.db.failures import is_transient
from shared.messaging.applying import Applier
from shared.messaging.broker import Broker, is_away
from shared.messaging.examining import Examining
from shared.messaging.hearing import Hearing
from shared.messaging.offsets import Offsets, OtherCluster
from shared.messaging.placing import Placing
from shared.messaging.polling import Polled, Polling
from shared.messaging.progress import Progress
from shared.messaging.retrying import Retrying
from shared.messaging.seats import RETRY_SECONDS, Seats
from shared.telemetry import logs, metrics

POLL_WAIT_MS = 500
HELD_POLL_WAIT_MS = 50
FAILURE_PAUSE_SECONDS = 1.0
WATCH_EVERY_SECONDS = 2.0
ABOUT_ONE_PARTITION = (
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    CorruptRecordException,
    UnsupportedCodecError,
)

log = logs.logger(__name__)


class Session:
    """Hears through one consumer and one broker connection, both of which belong to whoever made them."""

    def __init__(
        self,
        *,
        service: str,
        consumer: AIOKafkaConsumer,
        broker: Broker,
        database: Database,
        applier: Applier,
        offsets: Offsets,
        seats: Seats,
        hearing: Hearing,
        topics: Mapping[str, str],
        max_poll_records: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._consumer = consumer
        self._broker = broker
        self._database = database
        self._offsets = offsets
        self._seats = seats
        self._hearing = hearing
        self._topics = topics
        self._polling = Polling(consumer, max_records=max_poll_records)
        self._clock = clock
        self._placing = Placing(
            service=service,
            database=database,
            broker=broker,
            consumer=consumer,
            seats=seats,
            offsets=offsets,
            clock=clock,
        )
        self._retrying = Retrying(
            service=service,
            applier=applier,
            offsets=offsets,
            consumer=consumer,
            seats=seats,
            on_trouble=hearing.troubled,
            clock=clock,
        )
        self._progress = Progress(
            database=database, consumer=consumer, seats=seats, offsets=offsets, hearing=hearing, clock=clock
        )
        self._examining = Examining(
            service=service,
            broker=broker,
            consumer=consumer,
            seats=seats,
            retrying=self._retrying,
            progress=self._progress,
            clock=clock,
        )

    async def turn(self) -> None:
        """Poll once and apply what came. Raises what a new connection may mend."""
        if not await self._placed():
            return
        self._consumer.resume(*(set(self._seats.hold_back.due(self._clock())) & self._seats.flowing(self._consumer)))
        polled = await self._poll()
        if (polled.records or polled.failure is None) and await self._retrying.apply(polled.records):
            self._hearing.turned()
        if polled.failure is not None:
            await self._after_failed_poll(polled.failure)
            return
        if polled.records:
            await self._polling.space()
        await self._progress.report()

    async def let_go(self) -> None:
        """Say what was heard: others go on from there."""
        await self._progress.let_go()

    async def _placed(self) -> bool:
        """Place what is not, with those that stand still and are to be looked at again. Returns whether that went."""
        self._seats.look_again(self._clock())
        if not self._seats.unplaced:
            return True
        try:
            await self._examining.examine(await self._placing.place())
        except OtherCluster as error:
            # Skipping would lose events silently, so an operator has to look.
            metrics.OFFSETS_OFF_LOG.labels(self._service).inc()
            log.critical("not consuming", extra={"error": logs.error_name(error), "reason": str(error)})
            self._hearing.troubled()
            await asyncio.sleep(RETRY_SECONDS)
        except Exception as error:
            await self._pause_after(error, "placing partitions failed")
        else:
            return True
        return False

    async def _pause_after(self, error: Exception, what: str) -> None:
        """Try again in a moment what may go then; raise the error if it will not."""
        if not is_transient(error) and not is_away(error):
            raise error
        log.warning(what, extra={"error": logs.error_name(error)})
        await asyncio.sleep(FAILURE_PAUSE_SECONDS)
        if isinstance(error, KafkaError):
            self._hearing.polled(self._consumer, self._seats, FAILURE_PAUSE_SECONDS)  # it counts as silence

    async def watch(self) -> None:
        """Ask the broker for our topics for ever: whether it answers, which are there, whether they are the same."""
        while True:
            try:
                facts = await self._broker.describe(self._topics)
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("the broker does not answer", extra={"error": logs.error_name(error)})
            else:
                self._hearing.broker_answered(
                    missing=[plain for topic, plain in self._topics.items() if topic not in facts.topics]
                )
                ids = {self._topics[topic]: one.id for topic, one in facts.topics.items()}
                known = self._placing.topic_ids
                self._seats.unplaced |= {
                    tp
                    for tp in self._consumer.assignment()
                    if (topic := self._topics[tp.topic]) in known and ids.get(topic, known[topic]) != known[topic]
                }
            await asyncio.sleep(WATCH_EVERY_SECONDS)

    async def _poll(self) -> Polled:
        wait_ms = HELD_POLL_WAIT_MS if self._seats.hold_back.held() else POLL_WAIT_MS
        began = self._clock()
        polled = await self._polling.poll(int(min(wait_ms, self._progress.patience_seconds() * 1_000)))
        if polled.failure is None:
            self._hearing.polled(self._consumer, self._seats, self._clock() - began)
        return polled

    async def _after_failed_poll(self, error: Exception) -> None:
        """Place everything again, for what a poll had taken from others is lost with it; then find the culprit."""
        self._seats.unplaced |= self._consumer.assignment()
        if isinstance(error, NoOffsetForPartitionError):
            return  # fetched before it was placed
        if is_transient(error):
            await self._pause_after(error, "polling failed")
            return
        if isinstance(error, KafkaError) and not isinstance(error, ABOUT_ONE_PARTITION):
            raise error
        log.warning("a partition cannot be read", extra={"error": logs.error_name(error)})
        try:
            suspects = await self._placing.place()
            found = await self._examining.examine(suspects | self._consumer.assignment())
        except Exception as failure:
            await self._pause_after(failure, "partitions could not be examined")
            return
        if not found and not isinstance(error, OffsetOutOfRangeError):
            raise error


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the seats which partitions are ours. `let_go` is awaited before they are not."""

    def __init__(self, seats: Seats, let_go: Callable[[], Awaitable[None]]) -> None:
        self._seats = seats
        self._let_go = let_go

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """The group is being rearranged: nothing is ours until it is."""
        try:
            await self._let_go()
        finally:
            self._seats.reassigned((), member=False)

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """These are ours from now on."""
        self._seats.reassigned(assigned, member=True)
