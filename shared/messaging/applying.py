"""Applies a poll's records: one transaction of set-based use cases, with the offsets in it."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from shared.db.database import Database
from shared.db.failures import is_too_much, is_transient
from shared.db.transaction import Transaction
from shared.errors import NotYet, Poison
from shared.events.register import BY_EVENT, BY_TYPE
from shared.messaging.dead_letters import dead_letter, sealed_for_dlq
from shared.messaging.messages import DeadLetter, Heard, Hears, Say
from shared.messaging.offsets import Offsets
from shared.messaging.outbox import Outbox
from shared.messaging.positions import Positions, TopicPartition
from shared.messaging.reading import Ignored, Record, Unreadable, is_for_others, read
from shared.telemetry import logs, metrics, tracing

log = logs.logger(__name__)

Books = Any  # what a service opens on a transaction for its use cases
LockFirst = Callable[[Books, Sequence[Heard[Any]]], Awaitable[None]]
OnDeadLetters = Callable[[Books, Sequence[DeadLetter]], Awaitable[Sequence[Say]]]
Conclude = Callable[[Books], Awaitable[Sequence[Say]]]
MAX_AT_ONCE = 4_096  # more than a poll brings


class Applier:
    """Applies records for one service.

    `positions` belongs to the consumer's current assignment: after a rebalance there is a new one, and a commit on the
    old one is harmless. Records that are all for others need no transaction: they move it in memory.

    `lock_first` locks what a whole poll is about, in one order: use cases that lock one after the other would wait for
    another instance's in a circle. `conclude` follows the use cases of a poll in the same transaction: what they only
    noted in the books is done there, once for all of them.
    """

    def __init__(
        self,
        *,
        service: str,
        database: Database,
        outbox: Outbox,
        hears: Sequence[Hears],
        open_books: Callable[[Transaction], Books],
        on_dead_letters: OnDeadLetters,
        lock_first: LockFirst | None = None,
        conclude: Conclude | None = None,
        topic_prefix: str = "",
    ) -> None:
        self._service = service
        self._database = database
        self._outbox = outbox
        self._usecases = {row.event: row.usecase for row in hears}
        self._only = {row.event: row.only for row in hears if row.only is not None}
        self._order = {row.event: place for place, row in enumerate(hears)}
        self._types = {BY_EVENT[row.event].type: BY_EVENT[row.event] for row in hears}
        self._others = frozenset(type_.encode() for type_ in BY_TYPE.keys() - self._types.keys())
        self._open_books = open_books
        self._on_dead_letters = on_dead_letters
        self._lock_first = lock_first
        self._conclude = conclude
        self._prefix_chars = len(topic_prefix)
        self._at_once = MAX_AT_ONCE

    @property
    def topics(self) -> list[str]:
        """The topics (without prefix) of everything that this service hears."""
        return sorted({registered.topic.name for registered in self._types.values()})

    async def apply(self, records: Sequence[Record], positions: Positions, offsets: Offsets) -> None:
        """Apply records in one transaction; halve the batch on a failure that another try will not mend.

        Records of one partition come in order. Raises transient failures (NotYet and StaleConsumer among them); what
        was committed before one stays, as `positions` tells. After one for which they were too many, the next try
        takes half as many at once, down to a single one; after a success twice as many.
        """
        at_once = self._at_once
        for first in range(0, len(records), at_once):
            await self._apply_halving(records[first : first + at_once], positions, offsets)
        self._at_once = min(MAX_AT_ONCE, 2 * at_once)

    async def _apply_halving(self, records: Sequence[Record], positions: Positions, offsets: Offsets) -> None:
        try:
            await self._apply(records, positions, offsets)
        except Exception as error:
            if is_too_much(error):
                self._at_once = max(1, len(records) // 2)
            if isinstance(error, NotYet) or is_transient(error):
                raise
            log.warning("batch split", extra={"records": len(records), "error": logs.error_name(error)})
            if len(records) > 1:
                middle = len(records) // 2
                await self._apply_halving(records[:middle], positions, offsets)
                await self._apply_halving(records[middle:], positions, offsets)
            else:
                reason = str(error) if isinstance(error, Poison) else f"{type(error).__name__} while it was applied"
                await self.bury(records, reason, positions, offsets)

    async def bury(self, records: Sequence[Record], reason: str, positions: Positions, offsets: Offsets) -> None:
        """Give records up: dead letters, and whatever the service owes to those who wait for them."""
        dead = [(record, reason) for record in records]
        try:
            await self._commit(records, [], dead, positions, offsets)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("dead letter without its consequences", extra={"error": logs.error_name(error)})
            await self._commit(records, [], dead, positions, offsets, consequences=False)

    async def _apply(self, records: Sequence[Record], positions: Positions, offsets: Offsets) -> None:
        heard: list[Heard[Any]] = []
        dead: list[tuple[Record, str]] = []
        for record in records:
            if is_for_others(record, self._others):
                continue
            match read(record, self._topic(record), self._types):
                case Unreadable(reason):
                    dead.append((record, reason))
                case Ignored():
                    pass
                case Heard() as one:
                    only = self._only.get(type(one.event))
                    if only is None or only(one.event):
                        heard.append(one)
        if heard or dead:
            await self._commit(records, heard, dead, positions, offsets)
        else:
            positions.pass_by(self._ends(records))
            metrics.CONSUMED.labels(self._service).inc(len(records))

    async def _commit(
        self,
        records: Sequence[Record],
        heard: Sequence[Heard[Any]],
        dead: Sequence[tuple[Record, str]],
        positions: Positions,
        offsets: Offsets,
        *,
        consequences: bool = True,
    ) -> None:
        spans = tracing.start_consuming(heard) if tracing.enabled() else None
        if spans is not None:
            heard = [one._replace(traceparent=span.traceparent) for one, span in zip(heard, spans, strict=True)]
        try:
            async with positions.move(self._ends(records)) as moves, self._database.transaction() as transaction:
                await offsets.advance(transaction, moves)
                books = self._open_books(transaction)
                if heard and self._lock_first is not None:
                    await self._lock_first(books, heard)
                says: list[Say] = []
                for event, group in self._grouped(heard):
                    says.extend(await self._usecases[event](books, group))
                if dead and consequences:
                    letters = [dead_letter(record, self._topic(record), reason) for record, reason in dead]
                    says.extend(await self._on_dead_letters(books, letters))
                if self._conclude is not None:
                    says.extend(await self._conclude(books))
                await self._outbox.write(transaction, says)
                buried = [sealed_for_dlq(one, self._topic(one), why, service=self._service) for one, why in dead]
                await self._outbox.write_sealed(transaction, buried)
        except BaseException as error:
            for span in spans or ():
                span.end(error)
            raise
        for span in spans or ():
            span.end()
        metrics.CONSUMED.labels(self._service).inc(len(records))
        for record, reason in dead:
            metrics.DEAD_LETTERS.labels(self._service, self._topic(record)).inc()
            log.error(
                "dead letter",
                extra={
                    "topic": self._topic(record),
                    "partition": record.partition,
                    "offset": record.offset,
                    "reason": reason,
                    **logs.trace_fields(dead_letter(record, "", "").traceparent),
                },
            )

    def _grouped(self, heard: Sequence[Heard[Any]]) -> Iterator[tuple[type, list[Heard[Any]]]]:
        """Group by event, in the order of the service's table."""
        groups: dict[type, list[Heard[Any]]] = {}
        for one in heard:
            groups.setdefault(type(one.event), []).append(one)
        yield from sorted(groups.items(), key=lambda group: self._order[group[0]])

    def _ends(self, records: Sequence[Record]) -> dict[TopicPartition, int]:
        last = {(record.topic, record.partition): record for record in records}
        return {(self._topic(record), partition): record.offset + 1 for (_, partition), record in last.items()}

    def _topic(self, record: Record) -> str:
        return record.topic[self._prefix_chars :]
