"""What this instance hears of its topics, and since when it does not: readiness, lag, deafness."""

import math
import time
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.positions import TopicPartition as Plain
from shared.messaging.seats import Seats
from shared.telemetry import metrics

HEARD_WITHIN_SECONDS = 30.0
DEAF_AFTER_SECONDS = 10.0
LONGEST_QUIET_SECONDS = 1.0


class Hearing:
    """Remembers when the broker answered, when this instance was a member, and when each partition was fetched.

    A fetch counts with an empty answer too. Deafness is counted in time spent polling, so that a process that was
    frozen, or busy with PostgreSQL, is not taken for a deaf one.
    """

    def __init__(self, service: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._answered_at = self._member_at = self._turned_at = -math.inf
        self._heard_at: dict[Plain, float] = {}
        self._assigned: frozenset[Plain] = frozenset()
        self._standing_still: set[Plain] = set()
        self._stamps: dict[Plain, int] = {}
        self._quiet_seconds: dict[Plain, float] = {}
        self._absent_seconds = 0.0
        self._missing: frozenset[str] = frozenset()
        self._complaints: list[str] = []

    def broker_answered(self, *, missing: Iterable[str]) -> None:
        """The broker described our topics just now; some may be missing."""
        self._answered_at = self._clock()
        self._missing = frozenset(missing)

    def turned(self) -> None:
        """A turn went well: what was polled is applied."""
        self._turned_at = self._clock()

    def troubled(self) -> None:
        """Turns fail for long."""
        self._turned_at = -math.inf

    def polled(self, consumer: AIOKafkaConsumer, seats: Seats, seconds: float) -> None:
        """Note what a poll of so many seconds brought."""
        now, quiet = self._clock(), min(seconds, LONGEST_QUIET_SECONDS)
        if seats.member:
            self._member_at, self._absent_seconds = now, 0.0
        else:
            self._absent_seconds += quiet
        flowing = seats.flowing(consumer)
        assigned = {seats.plain(tp): tp for tp in consumer.assignment()}
        for gone in self._assigned - assigned.keys():
            self._forget(gone)
        self._assigned = frozenset(assigned)
        self._standing_still = {at for at, tp in assigned.items() if seats.is_stopped(tp)}
        for at, tp in assigned.items():
            stamp = consumer.last_poll_timestamp(tp)
            placed = at in seats.positions and tp not in seats.unplaced  # before, Kafka's own offsets are fetched from
            if placed and stamp is not None and stamp != self._stamps.get(at):
                self._stamps[at], self._heard_at[at], self._quiet_seconds[at] = stamp, now, 0.0
            elif tp in flowing:
                self._quiet_seconds[at] = self._quiet_seconds.get(at, 0.0) + quiet
        self._complaints = seats.complaints()

    def deaf(self) -> bool:
        """Say whether a new connection should be tried: the broker answers us, but the consumer hears nothing."""
        quiet = max([self._absent_seconds, *self._quiet_seconds.values()])
        answers = self._clock() - self._answered_at < DEAF_AFTER_SECONDS
        return answers and quiet >= DEAF_AFTER_SECONDS

    def disconnected(self) -> None:
        """The connection ended: nothing is heard until the next one hears it."""
        for at in self._assigned:
            self._forget(at)
        self._assigned, self._complaints, self._absent_seconds = frozenset(), [], 0.0
        self._member_at = -math.inf

    def complaints(self) -> list[str]:
        """Return why this instance does not hear everything that it should; an empty list means that it does."""
        said = list(self._complaints)
        if not self._lately(self._answered_at):
            said.append("no broker answers")
        said += [f"topic {topic} is missing" for topic in sorted(self._missing)]
        if not self._lately(self._member_at):
            said.append("not a member of the group")
        if not self._lately(self._turned_at):
            said.append("what was heard cannot be applied")
        expected = self._assigned - self._standing_still
        unheard = sorted(at for at in expected if not self._lately(self._heard_at.get(at, -math.inf)))
        return said + [f"{topic}/{partition} is not heard" for topic, partition in unheard]

    def report_lag(self, consumer: AIOKafkaConsumer, seats: Seats, positions: dict[TopicPartition, int]) -> None:
        """Tell each partition's lag; not a number where it is not known."""
        for tp in consumer.assignment():
            topic, partition = at = seats.plain(tp)
            end, heard = consumer.highwater(tp), self._lately(self._heard_at.get(at, -math.inf))
            known = end is not None and heard and tp in positions
            lag = max(0, end - positions[tp]) if known else math.nan
            metrics.LAG.labels(self._service, topic, partition).set(lag)

    def _lately(self, at: float) -> bool:
        return self._clock() - at < HEARD_WITHIN_SECONDS

    def _forget(self, at: Plain) -> None:
        for remembered in (self._heard_at, self._stamps, self._quiet_seconds):
            remembered.pop(at, None)
        metrics.LAG.labels(self._service, *at).set(math.nan)
        metrics.LAG.remove(self._service, *map(str, at))
