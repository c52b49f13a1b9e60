"""The smallest service that can hear and say: it writes down each deposit and says that the balance changed.

It stands on the api schema's messaging tables, with one table of its own, so that the consumer and the relay are
tested without any service's rules.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.db.database import Database
from shared.db.transaction import Transaction
from shared.errors import NotYet
from shared.events.billing import Account, BalanceChanged, LedgerEntry
from shared.events.envelope import seal
from shared.events.event import Event
from shared.events.payments import FundsDeposited
from shared.messaging.applying import Applier, Conclude
from shared.messaging.consumer import Consumer
from shared.messaging.messages import DeadLetter, Heard, Hears, Say
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.process.keep_running import Component, keep_running

SCHEMA = "api"
TABLE = """
CREATE TABLE toy_deposits (
    nth bigint GENERATED ALWAYS AS IDENTITY,
    deposit_id text NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents < 666),
    transaction_id bigint NOT NULL DEFAULT txid_current()
)
"""
LETTERS = "CREATE TABLE toy_letters (subject text, reason text NOT NULL)"
WAITS_FOR_FIRST = "waits-for:"


async def make_tables(database: Database) -> None:
    """Create the toy's tables."""
    async with database.transaction() as transaction:
        await transaction.run(TABLE)
        await transaction.run(LETTERS)


async def write_down(transaction: Transaction, heard: Sequence[Heard[FundsDeposited]]) -> list[Say]:
    """Write deposits down. `waits-for:<id>` cannot be written before `<id>` is; 666 cents break a CHECK."""
    known = {row.deposit_id for row in await transaction.rows("SELECT deposit_id FROM toy_deposits")}
    known |= {one.event.deposit_id for one in heard}
    waiting = {
        one.position
        for one in heard
        if one.event.deposit_id.startswith(WAITS_FOR_FIRST)
        and one.event.deposit_id.removeprefix(WAITS_FOR_FIRST) not in known
    }
    if waiting:
        raise NotYet("the first deposit is missing", frozenset(waiting))
    await transaction.run(
        """
        INSERT INTO toy_deposits (deposit_id, amount_cents)
        SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:amounts AS bigint[]))
        """,
        ids=[one.event.deposit_id for one in heard],
        amounts=[one.event.amount_cents for one in heard],
    )
    return [Say(_balance_changed(one.event), one.traceparent) for one in heard]


async def note_dead_letters(transaction: Transaction, letters: Sequence[DeadLetter]) -> list[Say]:
    """Write dead letters down."""
    for letter in letters:
        await transaction.run(
            "INSERT INTO toy_letters VALUES (:subject, :reason)", subject=letter.subject, reason=letter.reason
        )
    return []


def a_deposit(deposit_id: str, *, org_id: int = 1, amount_cents: int = 100) -> FundsDeposited:
    return FundsDeposited(org_id=org_id, deposit_id=deposit_id, amount_cents=amount_cents)


def _balance_changed(event: FundsDeposited) -> BalanceChanged:
    entry = LedgerEntry(
        entry_id=1,
        kind="deposit",
        run_id=None,
        batch_id=None,
        call_id=None,
        amount_cents=event.amount_cents,
        balance_cents=event.amount_cents,
        held_cents=0,
        created_at=datetime.now(UTC),
    )
    account = Account(balance_cents=event.amount_cents, held_cents=0, version=1)
    return BalanceChanged(org_id=event.org_id, entries=(entry,), account=account)


@dataclass
class Toy:
    """One instance of the toy service and what a test needs to look into it."""

    bootstrap: str
    prefix: str
    database: Database
    relay: Relay
    consumer: Consumer
    outbox: Outbox
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def ids(self) -> list[str]:
        """The deposits written so far, in their order."""
        async with self.database.reading() as transaction:
            return [
                row.deposit_id for row in await transaction.rows("SELECT deposit_id FROM toy_deposits ORDER BY nth")
            ]

    async def value(self, question: str) -> object:
        """Ask the toy's database."""
        async with self.database.reading() as transaction:
            return await transaction.value(question)

    async def publish(self, *events: Event, traceparent: str | None = None, compression: str | None = None) -> None:
        """Publish events as another service would."""
        sealed = [
            seal(event, event_id=str(uuid4()), occurred_at=datetime.now(UTC), traceparent=traceparent)
            for event in events
        ]
        await self.publish_raw(
            *((one.topic, one.key, one.value, one.headers) for one in sealed), compression=compression
        )

    async def publish_raw(
        self,
        *records: tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]],
        compression: str | None = None,
    ) -> None:
        """Publish records as they are."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, compression_type=compression)
        await producer.start()
        try:
            for topic, key, value, headers in records:
                await producer.send_and_wait(self.prefix + topic, key=key, value=value, headers=headers)
        finally:
            await producer.stop()

    async def published(self, topic: str, *, count: int) -> list[object]:
        """Read records of a topic until there are `count`."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await reader.start()
        try:
            partitions = [TopicPartition(self.prefix + topic, number) for number in range(2)]
            reader.assign(partitions)
            records: list[object] = []
            async with asyncio.timeout(20):
                while len(records) < count:
                    for some in (await reader.getmany(*partitions, timeout_ms=200)).values():
                        records.extend(some)
            return records
        finally:
            await reader.stop()


def a_toy(
    database_url: str,
    bootstrap: str,
    prefix: str,
    *,
    group: str = "toy",
    held_back_limit_seconds: float = 60.0,
    conclude: Conclude | None = None,
    gather_seconds: float = 0.0,
    only: Callable[[FundsDeposited], bool] | None = None,
) -> Toy:
    """Wire one instance; nothing runs yet."""
    database = Database(database_url, schema=SCHEMA)
    relay = Relay(database_url=database_url, schema=SCHEMA, bootstrap=bootstrap, topic_prefix=prefix, service="toy")
    outbox = Outbox(relay)
    applier = Applier(
        service="toy",
        database=database,
        outbox=outbox,
        hears=(Hears(FundsDeposited, write_down, only),),
        open_books=lambda transaction: transaction,
        on_dead_letters=note_dead_letters,
        conclude=conclude,
        topic_prefix=prefix,
    )
    consumer = Consumer(
        service="toy",
        bootstrap=bootstrap,
        group=prefix + group,
        topic_prefix=prefix,
        database=database,
        applier=applier,
        held_back_limit_seconds=held_back_limit_seconds,
        gather_seconds=gather_seconds,
    )
    return Toy(bootstrap, prefix, database, relay, consumer, outbox)


@asynccontextmanager
async def running(toy: Toy) -> AsyncIterator[Toy]:
    """Run a toy's relay and consumer."""
    toy.tasks = [asyncio.create_task(toy.relay.run()), asyncio.create_task(toy.consumer.run())]
    try:
        yield toy
    finally:
        for task in toy.tasks:
            task.cancel()
        for task in toy.tasks:
            with suppress(asyncio.CancelledError):
                await task
        await toy.database.dispose()


@asynccontextmanager
async def kept_running(toy: Toy) -> AsyncIterator[Toy]:
    """Run a toy as a process runs its parts: what falls is started again."""
    parts = (Component("relay", toy.relay.run), Component("consumer", toy.consumer.run))
    task = asyncio.create_task(keep_running("toy", parts))
    try:
        yield toy
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await toy.database.dispose()
