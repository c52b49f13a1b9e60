"""Sends outbox rows to Kafka, each partition in order, and tells apart whose fault it is when one can't be sent.

The batches are made here and not by the producer: it would send the next one after a refusal, and a row would pass by
an earlier one of the same key.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.errors import Transient
from shared.events.envelope import Headers, header
from shared.events.topics import MAX_RECORD_BYTES, TOPICS
from shared.messaging.handover import Row
from shared.messaging.outbox import read_headers
from shared.telemetry import logs, tracing

MAX_REQUEST_BYTES = MAX_RECORD_BYTES + 64 * 1024
SEND_SECONDS = 60
TOPIC_SECONDS = 10
DOUBTFUL_TRIES = 5

# What the broker says of the records themselves.
FAULTS_OF_RECORDS = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)
# What may be the record's fault, or the broker's: the former, if one record gets it again and again while others of its
# topic are taken.
DOUBTFUL = (
    kafka.UnknownError,
    kafka.CorruptRecordException,
    kafka.InvalidRequestError,
    kafka.PolicyViolationError,
    kafka.UnsupportedForMessageFormatError,
)
FAULTS_OF_TOPICS = (
    kafka.TopicAuthorizationFailedError,
    kafka.UnknownTopicOrPartitionError,
    kafka.InvalidTopicError,
)
# A topic of the register will be there (again): its rows wait. Nobody makes one that nobody knows.
REGISTERED = frozenset(name for topic in TOPICS for name in (topic.name, topic.dlq))


class TopicAway(Transient):
    """A topic that can't be written to now. Nothing of it was sent; the producer is as good as before."""


class LeaseRanOut(Transient):
    """Frozen meanwhile: another one may lead. Nothing was sent."""


class Refused(Transient):
    """The broker refused a batch. The producer has lost its sequence, and has to be replaced.

    `blames_records`: what to do was noted, and another try may follow at once.
    """

    def __init__(self, error: Exception, *, blames_records: bool) -> None:
        super().__init__(logs.error_name(error))
        self.blames_records = blames_records


class _Ready(NamedTuple):
    row_id: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    span: tracing.RunningSpan | None


class Sending:
    """What one relay sends. `acknowledged` and `at_fault` (row → reason) fill up; the relay takes from them."""

    def __init__(self, topic_prefix: str, may_send: Callable[[], bool]) -> None:
        self._topic_prefix = topic_prefix
        self._may_send = may_send
        self._partitioner = DefaultPartitioner()
        self._alone: set[str] = set()  # topics of which a batch was refused: row by row, until it is known which one
        self._tries: dict[int, tuple[int, int]] = {}  # of a doubtful row, and what its topic had taken before the first
        self._taken: Counter[str] = Counter()
        self.acknowledged: list[int] = []
        self.at_fault: dict[int, str] = {}

    async def send(self, producer: AIOKafkaProducer, topic: str, rows: Sequence[Row]) -> None:
        """Send rows of one topic.

        Raises TopicAway, Refused, LeaseRanOut, or TimeoutError after `SEND_SECONDS` without an answer.
        """
        partitions = await self._partitions(producer, topic, rows)
        lanes: dict[int, deque[_Ready]] = {}
        for row in rows if partitions else ():
            try:
                ready = _prepared(row)
            except Exception as error:  # whatever is wrong with a row is its own fault
                self.at_fault[row.id] = f"{logs.error_name(error)} before it was sent"
                continue
            lanes.setdefault(self._partitioner(ready.key, partitions, partitions), deque()).append(ready)
        sent = await asyncio.gather(
            *(self._send_lane(producer, topic, partition, lane) for partition, lane in lanes.items()),
            return_exceptions=True,
        )
        for outcome in sent:
            if isinstance(outcome, BaseException):
                raise outcome
        self._alone.discard(topic)

    async def _partitions(self, producer: AIOKafkaProducer, topic: str, rows: Sequence[Row]) -> list[int]:
        """Return the topic's partitions; none, with all rows at fault, where there will never be any."""
        try:
            async with asyncio.timeout(TOPIC_SECONDS):
                return sorted(await producer.partitions_for(self._topic_prefix + topic))
        except (TimeoutError, *FAULTS_OF_TOPICS) as error:
            async with asyncio.timeout(TOPIC_SECONDS):
                broker_answers = await producer.client.force_metadata_update()
            if broker_answers and topic not in REGISTERED:
                self.at_fault.update((row.id, "no such topic") for row in rows)
                return []
            raise TopicAway(topic) from error

    async def _send_lane(self, producer: AIOKafkaProducer, topic: str, partition: int, lane: deque[_Ready]) -> None:
        while lane:
            if not self._may_send():
                raise LeaseRanOut
            builder, batch = producer.create_batch(), list[_Ready]()
            while lane and not (batch and topic in self._alone):
                one = lane[0]
                if builder.append(timestamp=None, key=one.key, value=one.value, headers=one.headers) is None:
                    break  # full
                batch.append(lane.popleft())
            async with asyncio.timeout(SEND_SECONDS):
                try:
                    await (await producer.send_batch(builder, self._topic_prefix + topic, partition=partition))
                except kafka.KafkaError as error:
                    self._judge(topic, batch, error)
                    raise Refused(error, blames_records=isinstance(error, FAULTS_OF_RECORDS)) from error
            self.acknowledged.extend(one.row_id for one in batch)
            self._taken[topic] += len(batch)
            for one in batch:
                if one.span is not None:
                    one.span.end()

    def _judge(self, topic: str, batch: Sequence[_Ready], error: Exception) -> None:
        """Note what was refused: a record that is to blame, or a batch of which it isn't known."""
        if not isinstance(error, FAULTS_OF_RECORDS + DOUBTFUL):
            return
        self._alone.add(topic)
        if len(batch) > 1:
            return
        row_id = batch[0].row_id
        tries, taken_before = self._tries.get(row_id, (0, self._taken[topic]))
        others_are_taken = self._taken[topic] > taken_before
        self._tries[row_id] = (tries + 1, taken_before)
        if isinstance(error, FAULTS_OF_RECORDS) or (tries + 1 >= DOUBTFUL_TRIES and others_are_taken):
            del self._tries[row_id]
            self.at_fault[row_id] = logs.error_name(error)


def _prepared(row: Row) -> _Ready:
    """Make a record of a row. Raises anything for one that can't be."""
    row_id, topic, key, value, headers = row
    if isinstance(headers, bytes):
        headers = read_headers(headers)
    if key is None and value is None:
        raise ValueError("neither key nor value")
    if DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers) > MAX_REQUEST_BYTES:
        raise kafka.MessageSizeTooLargeError
    span = tracing.start_publishing(topic, header(headers, "traceparent")) if tracing.enabled() else None
    if span is not None:
        headers = [(name, value) for name, value in headers if name != "traceparent"]
        headers.append(("traceparent", span.traceparent.encode()))
    return _Ready(row_id, key, value, headers, span)
