"""The scheduler's own rules on a real database; what it hears is handed to it as polls, and ticks are asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.scheduler.edges.ticker import Ticker
from services.scheduler.wiring import listener
from shared.db.database import Database
from shared.events.admissions import TestCallDispatched, TestCallExpired
from shared.events.directory import OrgUpserted
from shared.events.event import Event
from tests.support.databases import TestDatabase
from tests.support.ear import Ear, an_ear
from tests.support.some_events import of, requested, reserved


class AskedTicker(Ticker):
    """A ticker that notes when it is told to look."""

    def __init__(self, database: Database, asked: list[float]) -> None:
        super().__init__(database)
        self._asked = asked

    def wake_in(self, seconds: float) -> None:
        self._asked.append(seconds)
        super().wake_in(seconds)


@dataclass
class Scheduler:
    """One instance."""

    ear: Ear
    ticker: Ticker
    looks_asked_for: list[float] = field(default_factory=list)
    not_told: list[Event] = field(default_factory=list)

    async def hear(self, *events: Event) -> None:
        """Hear a poll. What the scheduler says at once is kept for `moved` or the next tick to tell."""
        self.not_told += await self.ear.hear(*events)

    def moved(self) -> list[Event]:
        """Return what was said since somebody asked."""
        said, self.not_told = self.not_told, []
        return said

    def dispatched(self) -> list[int]:
        """Return the runs that were dispatched since somebody asked, without any tick."""
        return [one.run_id for one in of(self.moved(), TestCallDispatched)]

    async def accept(self, *run_ids: int, org_id: int = 1, **fields: Any) -> None:
        """Hear a request and that it is paid for."""
        await self.hear(requested(*run_ids, org_id=org_id, **fields), reserved(*run_ids, org_id=org_id))

    async def tick(self) -> list[int]:
        """Tick once; return the runs that were dispatched since somebody asked."""
        return [one.run_id for one in of(await self.tick_and_tell(), TestCallDispatched)]

    async def tick_and_tell(self) -> list[Event]:
        """Tick once; return what was said since somebody asked."""
        await self.ticker.tick_once(self.ear.outbox)
        self.not_told += await self.ear.said()
        return self.moved()

    async def expired(self) -> list[TestCallExpired]:
        """Tick once; return the expiries since somebody asked."""
        return of(await self.tick_and_tell(), TestCallExpired)

    async def only_workers(self, *announcements: Event) -> None:
        """There are these workers, and no other."""
        async with self.ear.database.transaction() as transaction:
            await transaction.run("DELETE FROM workers")
        if announcements:
            await self.hear(*announcements)

    @asynccontextmanager
    async def no_room(self) -> AsyncIterator[None]:
        """Let the workers have no room for a while: what is accepted meanwhile waits for a tick."""
        async with self.ear.database.transaction() as transaction:
            rows = await transaction.rows("DELETE FROM workers RETURNING CAST(to_json(workers) AS text) AS kept")
        yield
        async with self.ear.database.transaction() as transaction:
            for row in rows:
                insert = (
                    "INSERT INTO workers SELECT * FROM json_populate_record(CAST(NULL AS workers), CAST(:kept AS json))"
                )
                await transaction.run(insert, kept=row.kept)

    async def workers_fall_silent(self, seconds: float) -> None:
        """Let the last announcements have been heard so much earlier."""
        async with self.ear.database.transaction() as transaction:
            await transaction.run(
                "UPDATE workers SET heard_at = heard_at - make_interval(secs => :seconds)", seconds=seconds
            )

    async def value(self, question: str, **values: Any) -> Any:
        """Ask the scheduler's database."""
        async with self.ear.database.reading() as transaction:
            return await transaction.value(question, **values)

    async def time_passes(self, seconds: float) -> None:
        """Let everything that is noted have happened so much earlier."""
        async with self.ear.database.transaction() as transaction:
            await transaction.run(
                """
                UPDATE runs SET due_at = due_at - make_interval(secs => :seconds),
                    expires_at = expires_at - make_interval(secs => :seconds),
                    requested_at = requested_at - make_interval(secs => :seconds)
                """,
                seconds=seconds,
            )
            await transaction.run(
                "UPDATE orgs SET next_due_at = next_due_at - make_interval(secs => :seconds)", seconds=seconds
            )


def slots(max_concurrent_runs: int, *, org_id: int = 1, max_queue_seconds: int = 3_600) -> OrgUpserted:
    """An organisation's limits."""
    return OrgUpserted(
        org_id=org_id, name="org", max_concurrent_runs=max_concurrent_runs, max_queue_seconds=max_queue_seconds
    )


@pytest.fixture
async def database(test_database: TestDatabase) -> AsyncIterator[Database]:
    """The scheduler's schema."""
    database = Database(test_database.url("scheduler"), schema="scheduler")
    yield database
    await database.dispose()


MakeScheduler = Callable[[int], Awaitable[Scheduler]]


async def make_on(database: Database, *, partition: int) -> Scheduler:
    """Make an instance with partitions of its own. There is a worker with room for everything, at any time."""

    asked: list[float] = []
    ticker = AskedTicker(database, asked)
    ear = await an_ear("scheduler", database, listener(ticker.wake_in), partition=partition)
    async with database.transaction() as transaction:
        await transaction.run(
            """
            INSERT INTO workers (worker_id, calls_limit, calls_up, announced_at, heard_at)
            VALUES ('the test', 10000, 0, now(), 'infinity') ON CONFLICT DO NOTHING
            """
        )
    return Scheduler(ear, ticker, asked)


@pytest.fixture
def make_scheduler(database: Database) -> MakeScheduler:
    """Make instances on one pool of connections."""
    return lambda partition: make_on(database, partition=partition)


@pytest.fixture
async def scheduler(make_scheduler: MakeScheduler) -> Scheduler:
    """One instance."""
    return await make_scheduler(0)
