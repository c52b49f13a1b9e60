"""Places partitions at the offsets that are stored with the effects."""

import time
from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.db.database import Database
from shared.messaging.broker import Broker, ClusterFacts
from shared.messaging.offsets import Offsets, Stored
from shared.messaging.seats import Seats
from shared.telemetry import metrics

MADE_AGAIN = "the topic was deleted and made again (its id is {now}, the stored offset belongs to {before})"
GONE = "the topic is not there"


class Placing:
    """Seeks unplaced partitions to their stored offsets. `topic_ids` (by name without prefix) are as of the last time.

    A topic that was deleted and made again under its name has another id: its partitions are stopped, whatever their
    offsets, for what was heard of the old one says nothing about the new one.
    """

    def __init__(
        self,
        *,
        service: str,
        database: Database,
        broker: Broker,
        consumer: AIOKafkaConsumer,
        seats: Seats,
        offsets: Offsets,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._database = database
        self._broker = broker
        self._consumer = consumer
        self._seats = seats
        self._offsets = offsets
        self._clock = clock
        self.topic_ids: dict[str, str] = {}

    async def place(self) -> frozenset[TopicPartition]:
        """Place what is unplaced. Returns those that were stopped before and are to be examined: they stay paused."""
        seats, consumer = self._seats, self._consumer
        unplaced = frozenset(seats.unplaced & consumer.assignment())
        facts = await self._broker.describe({tp.topic for tp in consumer.assignment()})
        ids = {
            seats.plain(tp)[0]: facts.topics[tp.topic].id
            for tp in consumer.assignment()
            if tp.topic in facts.topics and facts.topics[tp.topic].id is not None
        }
        self.topic_ids = {topic: id_ for topic, id_ in ids.items() if id_ is not None}
        stored = await self._stored(unplaced, facts)
        suspects = set()
        for tp in unplaced & consumer.assignment():
            topic, _ = at = seats.plain(tp)
            reason = GONE if tp.topic not in facts.topics else self._made_again(topic, stored)
            if reason is not None:
                self._stop(tp, stored, reason)
                continue
            seats.positions.place(at, stored[at].next_offset)
            seats.hold_back.release(tp)
            consumer.seek(tp, stored[at].next_offset)
            if seats.is_stopped(tp):
                suspects.add(tp)
            else:
                consumer.resume(tp)
        seats.unplaced -= unplaced
        seats.unplaced &= consumer.assignment()
        return frozenset(suspects)

    async def _stored(
        self, unplaced: frozenset[TopicPartition], facts: ClusterFacts
    ) -> Mapping[tuple[str, int], Stored]:
        """Return the stored offsets; where there is none, the beginning is stored first."""
        async with self._database.reading() as transaction:
            stored = await self._offsets.stored(transaction)
        new = [
            tp
            for tp in unplaced
            if self._seats.plain(tp) not in stored
            and tp.topic in facts.topics
            and self._made_again(self._seats.plain(tp)[0], stored) is None
        ]
        nameless = any(one.topic_id is None for (topic, _), one in stored.items() if topic in self.topic_ids)
        if not new and not nameless:
            return stored
        beginnings = await self._consumer.beginning_offsets(new) if new else {}
        async with self._database.transaction() as transaction:
            await self._offsets.create(transaction, {self._seats.plain(tp): at for tp, at in beginnings.items()})
            await self._offsets.adopt(transaction, self.topic_ids)
            return await self._offsets.stored(transaction)

    def _made_again(self, topic: str, stored: Mapping[tuple[str, int], Stored]) -> str | None:
        now = self.topic_ids.get(topic)
        before = {one.topic_id for (name, _), one in stored.items() if name == topic} - {None, now}
        return MADE_AGAIN.format(now=now, before=before.pop()) if now is not None and before else None

    def _stop(self, tp: TopicPartition, stored: Mapping[tuple[str, int], Stored], reason: str) -> None:
        if not self._seats.is_stopped(tp) and reason != GONE:
            metrics.OFFSETS_OFF_LOG.labels(self._service).inc()
        at = stored.get(self._seats.plain(tp))
        self._seats.stop(self._consumer, tp, at.next_offset if at is not None else 0, reason, now=self._clock())
