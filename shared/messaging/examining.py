"""Looks at the bytes of a partition that the consumer's library could not read: one record, one batch or its place."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import OffsetOutOfRangeError, TopicAuthorizationFailedError
from aiokafka.record.memory_records import MemoryRecords

from shared.events.topics import MAX_RECORD_BYTES
from shared.messaging.broker import Broker, Fetched
from shared.messaging.progress import Progress
from shared.messaging.raw_batches import batch_at
from shared.messaging.retrying import Retrying
from shared.messaging.seats import Seats
from shared.telemetry import metrics

EXAMINED_BYTES = MAX_RECORD_BYTES + 64 * 1024
OFF_LOG = "the stored offset is not on the log"
NOT_ALLOWED = "this service may not read the topic"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a partition's bytes hold: records to apply, and why it cannot go on behind them (if it cannot).

    `trouble` is true where the library fails.
    """

    records: tuple[Any, ...]
    trouble: bool
    fault: str | None = None


def look_into(fetched: Fetched, tp: TopicPartition, offset: int) -> Findings:
    """Read as the library does; where it fails read the batch by itself, whose records may be readable after all."""
    library = PartitionRecords(
        tp, MemoryRecords(fetched.data), fetched.aborted, offset, None, None, True, READ_COMMITTED
    )
    good: list[Any] = []
    try:
        for record in library:
            good.append(record)
    except Exception:
        offset = max(offset, good[-1].offset + 1 if good else offset, library.next_fetch_offset)
        batch = batch_at(fetched.data, tp, offset)
        if batch is None:
            return Findings(tuple(good), trouble=True, fault="a batch without an end")
        rest = [one for one in batch.records if one.offset >= offset]
        fault = batch.fault or (None if rest else "a batch that cannot be read")
        if fault is not None:
            return Findings(tuple(good), trouble=True, fault=f"{fault}; it ends before {batch.next_offset}")
        return Findings((*good, *rest), trouble=True)
    return Findings((), trouble=False)


class Examining:
    """Examines partitions: what can be read is applied, and one that cannot go on is stopped."""

    def __init__(
        self,
        *,
        service: str,
        broker: Broker,
        consumer: AIOKafkaConsumer,
        seats: Seats,
        retrying: Retrying,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._broker = broker
        self._consumer = consumer
        self._seats = seats
        self._retrying = retrying
        self._progress = progress
        self._clock = clock

    async def examine(self, partitions: Iterable[TopicPartition]) -> bool:
        """Return whether any of them was in trouble. Raises transient failures."""
        trouble = False
        for tp in partitions:
            positions = self._seats.positions
            offset = positions.get(self._seats.plain(tp))
            if offset is not None and tp in self._consumer.assignment():
                trouble |= await self._examine(tp, offset)
            if self._seats.positions is not positions:
                break  # reassigned meanwhile
        return trouble

    async def _examine(self, tp: TopicPartition, offset: int) -> bool:
        positions = self._seats.positions
        try:
            fetched = await self._broker.fetch((tp.topic, tp.partition), offset, max_bytes=EXAMINED_BYTES)
        except (OffsetOutOfRangeError, TopicAuthorizationFailedError) as error:
            off_log = isinstance(error, OffsetOutOfRangeError)
            if off_log and not self._seats.is_stopped(tp):
                metrics.OFFSETS_OFF_LOG.labels(self._service).inc()
            self._stop(tp, offset, OFF_LOG if off_log else NOT_ALLOWED)
            return True
        found = look_into(fetched, tp, offset)
        if self._seats.positions is not positions:
            return True
        if found.records:
            await self._retrying.apply(found.records)
            await self._progress.store()  # where it stands still is where the operator finds it
        at = self._seats.plain(tp)
        if self._seats.positions is not positions or tp in self._seats.hold_back.held() or at not in positions:
            return True
        everything = not found.records or positions[at] > found.records[-1].offset
        if found.fault is not None and everything:
            self._stop(tp, positions[at], found.fault)
            return True
        self._seats.lift(tp)
        self._consumer.seek(tp, positions[at])
        self._consumer.resume(tp)
        return found.trouble

    def _stop(self, tp: TopicPartition, offset: int, reason: str) -> None:
        if tp in self._consumer.assignment():
            self._seats.stop(self._consumer, tp, offset, reason, now=self._clock())
