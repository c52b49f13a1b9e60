"""The poll loop of a service: place partitions at their stored offsets, poll, apply, retry, report."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.db.database import Database
from shared.db.failures import is_transient
from shared.errors import NotYet
from shared.events.topics import MAX_RECORD_BYTES
from shared.messaging.applying import Applier, Positions
from shared.messaging.cluster import cluster_id_of
from shared.messaging.hold_back import HELD_BACK_LIMIT_SECONDS, HoldBack
from shared.messaging.offsets import Offsets, OtherCluster, StaleConsumer
from shared.process.pacing import Pacing
from shared.telemetry import logs, metrics

MAX_POLL_RECORDS = 500
POLL_WAIT_MS = 500
HELD_POLL_WAIT_MS = 50
ROUND_SECONDS = 0.02
FETCH_WAIT_MS = 250
MAX_PARTITION_FETCH_BYTES = MAX_RECORD_BYTES + 64 * 1024
COMMIT_EVERY_SECONDS = 1.0
BACK_OFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
ALARM_RETRY_SECONDS = 5.0
SESSION_TIMEOUT_MS = 10_000
HEARTBEAT_MS = 1_000
READY_WITHIN_SECONDS = 15.0

log = logs.logger(__name__)


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
        max_poll_records: int = MAX_POLL_RECORDS,
        held_back_limit_seconds: float = HELD_BACK_LIMIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._bootstrap = bootstrap
        self._group = group
        self._prefix = topic_prefix
        self._database = database
        self._applier = applier
        self._max_poll_records = max_poll_records
        self._clock = clock
        self._unplaced: set[TopicPartition] = set()
        self._positions: Positions = {}
        self._hold_back = HoldBack(limit_seconds=held_back_limit_seconds)
        self._last_good_turn: float | None = None
        self._next_commit = 0.0
        self._pacing = Pacing(ROUND_SECONDS)
        self._committed: Positions = {}

    def ready(self) -> bool:
        """Say whether turns succeed: not while offsets are off the log, the cluster is another, PostgreSQL is away."""
        return self._last_good_turn is not None and self._clock() - self._last_good_turn < READY_WITHIN_SECONDS

    async def run(self) -> None:
        """Consume for ever. Raises what a restart of the consumer may mend."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=f"rehearsal-{self._service}",
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
        )
        topics = [self._prefix + topic for topic in self._applier.topics]
        consumer.subscribe(topics, listener=_Listener(self._reassigned))
        offsets = Offsets(await cluster_id_of(self._bootstrap))
        await consumer.start()
        try:
            while True:
                await self._turn(consumer, offsets)
        finally:
            self._last_good_turn = None
            with suppress(KafkaError, OSError, TimeoutError):
                await consumer.stop()

    def _reassigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note a new assignment: nothing of it is applied before it is placed at its stored offset."""
        self._unplaced = set(assigned)
        self._positions = {}
        self._hold_back.clear()

    async def _turn(self, consumer: AIOKafkaConsumer, offsets: Offsets) -> None:
        try:
            if self._unplaced:
                await self._place(consumer, offsets)
            consumer.resume(*(set(self._hold_back.due(self._clock())) & consumer.assignment()))
            wait_ms = HELD_POLL_WAIT_MS if self._hold_back.held() else POLL_WAIT_MS
            polled = await consumer.getmany(timeout_ms=wait_ms, max_records=self._max_poll_records)
        except NoOffsetForPartitionError:
            self._unplaced |= consumer.assignment()  # fetched before it was placed
            return
        except (OffsetOutOfRangeError, OtherCluster) as error:
            # Skipping would lose events silently, so an operator has to look.
            metrics.OFFSETS_OFF_LOG.labels(self._service).inc()
            log.critical("not consuming", extra={"error": logs.error_name(error), "reason": str(error)})
            self._last_good_turn = None
            self._unplaced |= consumer.assignment()
            await asyncio.sleep(ALARM_RETRY_SECONDS)
            return
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("placing partitions failed", extra={"error": logs.error_name(error)})
            await asyncio.sleep(BACK_OFF_SECONDS[4])
            return
        if await self._apply(consumer, offsets, [record for some in polled.values() for record in some]):
            self._last_good_turn = self._clock()
        if polled:
            await self._pacing.begin()
        self._report_lag(consumer)
        await self._commit(consumer)

    async def _place(self, consumer: AIOKafkaConsumer, offsets: Offsets) -> None:
        """Seek to the stored offsets; where there is none, to the beginning, which is stored first."""
        unplaced = frozenset(self._unplaced & consumer.assignment())
        async with self._database.transaction() as transaction:
            stored = await offsets.stored(transaction)
            new = [tp for tp in unplaced if self._plain(tp) not in stored]
            if new:
                beginnings = await consumer.beginning_offsets(new)
                await offsets.create(transaction, {self._plain(tp): at for tp, at in beginnings.items()})
                stored = await offsets.stored(transaction)
        for tp in unplaced & consumer.assignment():
            self._positions[self._plain(tp)] = stored[self._plain(tp)]
            self._hold_back.forget(tp)
            consumer.seek(tp, stored[self._plain(tp)])
            consumer.resume(tp)
        self._unplaced -= unplaced
        self._unplaced &= consumer.assignment()

    async def _apply(self, consumer: AIOKafkaConsumer, offsets: Offsets, records: Sequence[Any]) -> bool:
        """Apply a poll's records, with back-off while it fails. Returns whether it went well at last."""
        positions, failures, waiting = self._positions, 0, dict[TopicPartition, Any]()
        while records := self._left(records, positions, waiting):
            began = self._clock()
            try:
                await self._applier.apply(records, positions, offsets)
            except NotYet as error:
                waiting |= _first_waiting(records, error, len(self._prefix))
            except StaleConsumer:
                metrics.STALE_CONSUMERS.labels(self._service).inc()
                log.warning("another instance has applied these records; seeking to the stored offsets")
                self._unplaced |= consumer.assignment()
                return False
            except Exception as error:
                if not is_transient(error):
                    raise
                pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
                failures += 1
                metrics.RETRIES.labels(self._service).inc()
                log.warning("batch retried", extra={"error": logs.error_name(error), "pause_seconds": pause})
                if failures > len(BACK_OFF_SECONDS):
                    self._last_good_turn = None
                await self._poll_without_taking(consumer, pause)
                if self._positions is not positions:
                    return False  # reassigned meanwhile: what is still ours is fetched again
            else:
                metrics.APPLY_SECONDS.labels(self._service).observe(self._clock() - began)
                metrics.BATCH_RECORDS.labels(self._service).observe(len(records))
        for tp, record in waiting.items():
            await self._wait_or_bury(consumer, offsets, positions, tp, record)
        return True

    def _left(self, records: Sequence[Any], positions: Positions, waiting: dict[TopicPartition, Any]) -> list[Any]:
        """Drop what was applied before, what is not placed, and what stands behind a waiting record."""
        held = self._hold_back.held()
        left = []
        for record in records:
            tp = TopicPartition(record.topic, record.partition)
            at = positions.get(self._plain(tp))
            behind = tp in waiting and record.offset >= waiting[tp].offset
            if at is not None and record.offset >= at and tp not in held and not behind:
                left.append(record)
        return left

    async def _wait_or_bury(
        self, consumer: AIOKafkaConsumer, offsets: Offsets, positions: Positions, tp: TopicPartition, record: Any
    ) -> None:
        if self._positions is not positions or tp not in consumer.assignment():
            return
        if self._hold_back.hold(tp, record, self._clock()):
            metrics.HELD_BACK.labels(self._service).inc()
            consumer.pause(tp)
            consumer.seek(tp, record.offset)
            return
        try:
            await self._applier.bury([record], "what it needs did not come in time", positions, offsets)
            consumer.seek(tp, record.offset + 1)
        except Exception as error:
            if not is_transient(error):
                raise
            self._unplaced.add(tp)  # placed again at the same record, which is then given another wait

    async def _poll_without_taking(self, consumer: AIOKafkaConsumer, seconds: float) -> None:
        """Wait while the group still sees us poll."""
        until = self._clock() + seconds
        consumer.pause(*consumer.assignment())
        try:
            while (left := until - self._clock()) > 0 and not self._unplaced:
                with suppress(NoOffsetForPartitionError, OffsetOutOfRangeError):
                    early = await consumer.getmany(timeout_ms=max(1, int(left * 1_000)))
                    self._unplaced |= set(early)  # assigned just now, so not paused: to be placed before use
        finally:
            consumer.resume(*(consumer.assignment() - self._hold_back.held()))

    def _report_lag(self, consumer: AIOKafkaConsumer) -> None:
        lag = 0
        for tp in consumer.assignment():
            highwater = consumer.highwater(tp)
            at = self._positions.get(self._plain(tp))
            if highwater is not None and at is not None:
                lag += max(0, highwater - at)
        metrics.LAG.labels(self._service).set(lag)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Tell Kafka where we are, for lag tools and autoscalers: PostgreSQL's offsets are the ones that count."""
        if self._clock() < self._next_commit or self._positions == self._committed:
            return
        self._next_commit = self._clock() + COMMIT_EVERY_SECONDS
        mine = {
            tp: self._positions[self._plain(tp)] for tp in consumer.assignment() if self._plain(tp) in self._positions
        }
        with suppress(KafkaError, TimeoutError):
            await consumer.commit(mine)
            self._committed = dict(self._positions)

    def _plain(self, tp: TopicPartition) -> tuple[str, int]:
        return tp.topic[len(self._prefix) :], tp.partition


def _first_waiting(records: Sequence[Any], error: NotYet, prefix_chars: int) -> dict[TopicPartition, Any]:
    """Return the first record of each partition that the failure names."""
    first: dict[TopicPartition, Any] = {}
    for record in records:
        tp = TopicPartition(record.topic, record.partition)
        if (record.topic[prefix_chars:], record.partition, record.offset) in error.positions:
            first.setdefault(tp, record)
    if not first:
        raise RuntimeError("NotYet names no record of the batch")
    return first


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, reassigned: Callable[[Iterable[TopicPartition]], None]) -> None:
        self._reassigned = reassigned

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._reassigned(())

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._reassigned(assigned)
