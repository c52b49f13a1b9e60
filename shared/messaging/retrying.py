"""Applies a poll's records, again and again while it fails for a time; holds back what waits for other topics."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.db.failures import is_transient
from shared.errors import NotYet
from shared.messaging.applying import Applier
from shared.messaging.offsets import Offsets, StaleConsumer
from shared.messaging.positions import Positions
from shared.messaging.seats import Seats
from shared.telemetry import logs, metrics

POLL_LEEWAY_SECONDS = 1.0
BACK_OFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

log = logs.logger(__name__)


class Retrying:
    """Applies records of one connection. `on_trouble` is told that a batch fails for long."""

    def __init__(
        self,
        *,
        service: str,
        applier: Applier,
        offsets: Offsets,
        consumer: AIOKafkaConsumer,
        seats: Seats,
        on_trouble: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._applier = applier
        self._offsets = offsets
        self._consumer = consumer
        self._seats = seats
        self._on_trouble = on_trouble
        self._clock = clock

    async def apply(self, records: Sequence[Any]) -> bool:
        """Apply a poll's records, with back-off while it fails. Returns whether it went well at last."""
        positions, failures, waiting = self._seats.positions, 0, dict[TopicPartition, Any]()
        while records := self._left(records, positions, waiting):
            began = self._clock()
            try:
                await self._applier.apply(records, positions, self._offsets)
            except NotYet as error:
                waiting |= self._first_waiting(records, error)
            except StaleConsumer:
                metrics.STALE_CONSUMERS.labels(self._service).inc()
                log.warning("another instance has applied these records; seeking to the stored offsets")
                self._seats.unplaced |= self._consumer.assignment()
                return False
            except Exception as error:
                if not is_transient(error):
                    raise
                pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
                failures += 1
                metrics.RETRIES.labels(self._service).inc()
                log.warning("batch retried", extra={"error": logs.error_name(error), "pause_seconds": pause})
                if failures > len(BACK_OFF_SECONDS):
                    self._on_trouble()
                await self._poll_without_taking(pause)
                if self._seats.positions is not positions:
                    return False  # reassigned meanwhile: what is still ours is fetched again
            else:
                metrics.APPLY_SECONDS.labels(self._service).observe(self._clock() - began)
                metrics.BATCH_RECORDS.labels(self._service).observe(len(records))
        for tp, record in waiting.items():
            await self._wait_or_bury(positions, tp, record)
        return True

    def _left(self, records: Sequence[Any], positions: Positions, waiting: dict[TopicPartition, Any]) -> list[Any]:
        """Drop what was applied before, what is not placed, and what stands behind a waiting record."""
        held = self._seats.hold_back.held()
        left: list[Any] = []
        for (topic, partition), some in groupby(records, key=attrgetter("topic", "partition")):
            tp = TopicPartition(topic, partition)
            at = positions.get(self._seats.plain(tp))
            until = waiting[tp].offset if tp in waiting else math.inf
            if at is not None and tp not in held:
                left.extend(record for record in some if at <= record.offset < until)
        return left

    def _first_waiting(self, records: Sequence[Any], error: NotYet) -> dict[TopicPartition, Any]:
        """Return the first record of each partition that the failure names."""
        first: dict[TopicPartition, Any] = {}
        for record in records:
            tp = TopicPartition(record.topic, record.partition)
            if (*self._seats.plain(tp), record.offset) in error.positions:
                first.setdefault(tp, record)
        if not first:
            raise RuntimeError("NotYet names no record of the batch")
        return first

    async def _wait_or_bury(self, positions: Positions, tp: TopicPartition, record: Any) -> None:
        if self._seats.positions is not positions or tp not in self._consumer.assignment():
            return
        if self._seats.hold_back.hold(tp, record, self._clock()):
            metrics.HELD_BACK.labels(self._service).inc()
            self._consumer.pause(tp)
            self._consumer.seek(tp, record.offset)
            return
        try:
            await self._applier.bury([record], "what it needs did not come in time", positions, self._offsets)
            self._consumer.seek(tp, record.offset + 1)
        except Exception as error:
            if not is_transient(error):
                raise
            self._seats.unplaced.add(tp)  # placed again at the same record

    async def _poll_without_taking(self, seconds: float) -> None:
        """Wait while the group still sees us poll."""
        until = self._clock() + seconds
        self._consumer.pause(*self._consumer.assignment())
        try:
            while (left := until - self._clock()) > 0 and not self._seats.unplaced:
                with suppress(NoOffsetForPartitionError, OffsetOutOfRangeError, TimeoutError):
                    async with asyncio.timeout(left + POLL_LEEWAY_SECONDS):  # the library may wait for an assignment
                        early = await self._consumer.getmany(timeout_ms=max(1, int(left * 1_000)))
                    self._seats.unplaced |= set(early)  # assigned just now, so not paused: to be placed before use
        finally:
            self._consumer.resume(*self._seats.flowing(self._consumer))
