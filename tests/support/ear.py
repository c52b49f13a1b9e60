"""A service's ear without a broker: its own Applier on a real database, fed with records as a poll would bring them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from shared.db.database import Database
from shared.events.envelope import header, open_sealed, seal
from shared.events.event import Event
from shared.events.register import BY_TYPE
from shared.events.topics import DLQ_SUFFIX
from shared.messaging.applying import Applier
from shared.messaging.offsets import Offsets
from shared.messaging.outbox import Outbox, read_headers
from shared.messaging.positions import Positions
from shared.messaging.station import Listener
from tests.support.nobody_publishes import NobodyPublishes


@dataclass
class Delivered:
    """A record as a broker delivers it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int = 0


@dataclass
class Ear:
    """Hears events on partitions of its own (several ears: several instances).

    `dead` are the topics of its dead letters, `reasons` why they are there.
    """

    database: Database
    applier: Applier
    outbox: Outbox
    partition: int
    positions: Positions = field(default_factory=Positions)
    offsets: Offsets = field(default_factory=lambda: Offsets("test-cluster"))
    dead: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    async def open(self) -> "Ear":
        """Store the first offsets."""
        for topic in self.applier.topics:
            self.positions.place((topic, self.partition), 0)
        async with self.database.transaction() as transaction:
            await self.offsets.create(transaction, self.positions.stored())
        return self

    async def find_its_place(self) -> None:
        """Go on where the table says, as a consumer does that is out of date."""
        async with self.database.transaction() as transaction:
            stored = await self.offsets.stored(transaction)
        for topic in self.applier.topics:
            self.positions.place((topic, self.partition), stored[topic, self.partition].next_offset)

    async def hear(self, *events: Event) -> list[Event]:
        """Apply events as one poll; return what was said. What failed is not consumed and may be heard again."""
        await self.applier.apply(self.poll(*events), self.positions, self.offsets)
        return await self.said()

    async def hear_facts(self, *facts: tuple[Event, datetime, str]) -> list[Event]:
        """Apply events as one poll, each said at a time and under an id of its own."""
        await self.applier.apply(self._records(facts), self.positions, self.offsets)
        return await self.said()

    def poll(self, *events: Event) -> list[Delivered]:
        """The next records of these events' partitions."""
        return self._records([(event, datetime.now(UTC), str(uuid4())) for event in events])

    def _records(self, facts: Sequence[tuple[Event, datetime, str]]) -> list[Delivered]:
        ends: dict[tuple[str, int], int] = {}
        records = []
        for event, said_at, event_id in facts:
            sealed = seal(event, event_id=event_id, occurred_at=said_at, traceparent=None)
            at = (sealed.topic, self.partition)
            offset = ends.get(at, self.positions[at])
            records.append(Delivered(sealed.topic, self.partition, offset, sealed.key, sealed.value, sealed.headers))
            ends[at] = offset + 1
        return records

    async def hear_garbage(
        self, event: Event, value: bytes = b'{"half": ', *, key: bytes | None = None, without: str = ""
    ) -> list[Event]:
        """Apply a record with an event's headers (`without` one of them) and a value that nobody can read."""
        record = self.garbage(event, value, key=key, without=without)
        await self.applier.apply([record], self.positions, self.offsets)
        return await self.said()

    def garbage(self, event: Event, value: bytes, *, key: bytes | None = None, without: str = "") -> Delivered:
        """The next record of an event's partition, with its headers and another value."""
        sealed = seal(event, event_id=str(uuid4()), occurred_at=datetime.now(UTC), traceparent=None)
        at = (sealed.topic, self.partition)
        headers = [header for header in sealed.headers if header[0] != without]
        return Delivered(*at, self.positions[at], key or sealed.key, value, headers)

    async def said(self) -> list[Event]:
        """Take what is in the outbox, as the relay would."""
        async with self.database.transaction() as transaction:
            rows = await transaction.rows("DELETE FROM outbox RETURNING id, topic, value, headers")
        events = []
        for row in sorted(rows, key=lambda row: row.id):
            if row.topic.endswith(DLQ_SUFFIX):
                self.dead.append(row.topic)
                self.reasons.append(header(read_headers(row.headers), "dlq_reason") or "")
                continue
            type_ = header(read_headers(row.headers), "ce_type")
            assert type_ is not None
            events.append(open_sealed(BY_TYPE[type_], row.value))
        return events


async def an_ear(
    service: str,
    database: Database,
    listener: Listener,
    *,
    partition: int = 0,
) -> Ear:
    """Wire an ear with what the service's own wiring gives to its consumer."""
    outbox = Outbox(NobodyPublishes())
    applier = Applier(
        service=service,
        database=database,
        outbox=outbox,
        hears=listener.hears,
        open_books=listener.open_books,
        on_dead_letters=listener.on_dead_letters,
        lock_first=listener.lock_first,
        conclude=listener.conclude,
    )
    return await Ear(database, applier, outbox, partition).open()
