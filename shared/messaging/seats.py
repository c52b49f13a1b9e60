"""The partitions that this instance hears now: where each stands, which wait, which stand still."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.hold_back import HoldBack
from shared.messaging.positions import Positions
from shared.messaging.positions import TopicPartition as Plain
from shared.telemetry import logs, metrics

RETRY_SECONDS = 5.0

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a partition stands still, and at which offset. It is looked at again at `until`."""

    offset: int
    reason: str
    until: float


class Seats:
    """One connection's partitions. `positions` is replaced with each assignment; what is not in it is not applied.

    A partition is `unplaced` until it was sought to its stored offset; it stands still (`stopped`) while nobody but an
    operator can say how it goes on. It is looked at again every `RETRY_SECONDS`, and the others go on.
    """

    def __init__(self, *, service: str, topic_prefix: str, held_back_limit_seconds: float) -> None:
        self._service = service
        self._prefix = topic_prefix
        self.unplaced: set[TopicPartition] = set()
        self.positions = Positions()
        self.hold_back = HoldBack(limit_seconds=held_back_limit_seconds)
        self.member = False
        self._stopped: dict[TopicPartition, Stop] = {}

    def reassigned(self, assigned: Iterable[TopicPartition], *, member: bool) -> None:
        """Note a new assignment: nothing of it is applied before it is placed at its stored offset."""
        self.member = member
        self.unplaced = set(assigned)
        self.positions = Positions()
        self.hold_back.clear()
        for tp in list(self._stopped):
            self.lift(tp)

    def plain(self, tp: TopicPartition) -> Plain:
        """Return a partition as the service's tables name it: without the prefix."""
        return tp.topic[len(self._prefix) :], tp.partition

    def flowing(self, consumer: AIOKafkaConsumer) -> frozenset[TopicPartition]:
        """Return the partitions that are neither held back nor stopped."""
        return frozenset(consumer.assignment() - self.hold_back.held() - self._stopped.keys())

    def stop(self, consumer: AIOKafkaConsumer, tp: TopicPartition, offset: int, reason: str, *, now: float) -> None:
        """Let a partition stand still, with an alarm. Skipping would lose events silently: an operator has to look."""
        topic, partition = self.plain(tp)
        before = self._stopped.get(tp)
        self._stopped[tp] = Stop(offset, reason, now + RETRY_SECONDS)
        self.unplaced.discard(tp)
        self.positions.leave((topic, partition))
        consumer.seek(tp, offset)  # a paused partition without a place would be looked for at Kafka's own offsets
        consumer.pause(tp)
        metrics.STOPPED_AT_OFFSET.labels(self._service, topic, partition).set(offset)
        if before is None or (before.offset, before.reason) != (offset, reason):
            where = {"topic": topic, "partition": partition, "offset": offset, "reason": reason}
            log.critical("partition stopped", extra=where)

    def lift(self, tp: TopicPartition) -> None:
        """A partition goes on, or belongs to somebody else."""
        if self._stopped.pop(tp, None) is not None:
            metrics.STOPPED_AT_OFFSET.remove(self._service, *map(str, self.plain(tp)))

    def look_again(self, now: float) -> None:
        """Place those again whose time has come: the operator may have moved their offsets."""
        self.unplaced |= {tp for tp, stop in self._stopped.items() if stop.until <= now}

    def is_stopped(self, tp: TopicPartition) -> bool:
        """Say whether a partition stands still."""
        return tp in self._stopped

    def complaints(self) -> list[str]:
        """Return a sentence for each partition that stands still."""
        return [
            f"{self.plain(tp)[0]}/{tp.partition} is stopped at offset {stop.offset}: {stop.reason}"
            for tp, stop in sorted(self._stopped.items())
        ]
