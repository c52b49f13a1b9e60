"""Two instances whose statements meet in every order: a run that is due beside a free slot always starts."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from shared.events.event import Event
from tests.integration.scheduler.conftest import Scheduler, make_on, slots
from tests.support.databases import TestDatabase
from tests.support.interleaving import SteppedDatabase, every_order, pairs
from tests.support.some_events import completed, failed, requested, reserved, returned, room, started

pytestmark = pytest.mark.integration

SWITCHES = 2  # of an order, not counting those that a lock forces
CAMPAIGN_SWITCHES = 4  # REHEARSAL_SWITCHES=99 tries all orders, and takes hours
QUEUED, OVERDUE, UP, STAGGERED, NEW = 11, 13, 10, 21, 31
SOON_SECONDS = 0.03

# What has to be true whenever nobody is in the middle of anything.
NOT_SO = """
SELECT orgs.org_id, in_use, max_concurrent_runs, next_due_at, up, first_due_at
FROM orgs LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status = 'dispatched') AS up,
           min(due_at) FILTER (WHERE status = 'queued' AND expires_at > now()) AS first_due_at
    FROM runs WHERE runs.org_id = orgs.org_id
) AS counted ON true
WHERE in_use <> up OR in_use > 3 OR in_use < 0
   OR (first_due_at IS NOT NULL AND (next_due_at IS NULL OR next_due_at > first_due_at))
"""
STRANDED = """
SELECT runs.run_id FROM runs JOIN orgs USING (org_id)
WHERE status = 'queued' AND due_at <= now() AND in_use < max_concurrent_runs
"""
TABLES = ("orgs", "runs", "requests", "funds_stubs", "ended_early")


@dataclass
class Stage:
    """Two instances that can be stopped before each statement, and one that cannot."""

    calm: Scheduler
    instances: list[Scheduler]
    onlooker: asyncpg.Connection

    async def begin(self) -> None:
        """Three slots, one of them free; three runs wait, and a batch for its stagger. Keep it as the beginning."""
        await self.calm.hear(slots(3))
        await self.calm.accept(UP)
        await self.calm.accept(STAGGERED, STAGGERED + 1, stagger_seconds=5)
        assert sorted(await self.calm.tick()) == [UP, STAGGERED]
        for run_id in (QUEUED, QUEUED + 1, OVERDUE):
            await self.calm.accept(run_id)
        for table in TABLES:
            await self.onlooker.execute(f"CREATE TEMP TABLE saved_{table} AS SELECT * FROM {table}")

    async def prepare(self) -> None:
        """Begin again: one run is overdue, one soon."""
        restore = [f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}" for table in TABLES]
        await self.onlooker.execute(";".join(("DELETE FROM runs", "DELETE FROM outbox", *restore)))
        await self.onlooker.execute(
            """
            UPDATE runs
            SET expires_at = clock_timestamp() + make_interval(secs => CASE WHEN run_id = $1 THEN $3 ELSE -1 END)
            WHERE run_id IN ($1, $2)
            """,
            QUEUED, OVERDUE, SOON_SECONDS,
        )  # fmt: skip

    async def check(self) -> None:
        """Everything is right now, and after ticks nothing waits that could go."""
        wrong = await self.onlooker.fetch(NOT_SO)
        assert wrong == [], [dict(row) for row in wrong]
        while await self.calm.tick():
            pass
        assert await self.onlooker.fetch(NOT_SO) == []
        assert await self.onlooker.fetch(STRANDED) == []

    def acts(self, names: tuple[str, str]) -> list[Callable[[], Awaitable[object]]]:
        """What the two instances do."""
        return [ACTS[name](one) for name, one in zip(names, self.instances, strict=True)]


Act = Callable[[Scheduler], Callable[[], Awaitable[object]]]


def ticks_later(one: Scheduler) -> Callable[[], Awaitable[object]]:
    """An instance whose tick finds one run more overdue than a tick that began before."""

    async def act() -> object:
        await asyncio.sleep(SOON_SECONDS)
        return await one.tick()

    return act


def hears(*events: Event) -> Act:
    """An instance hears a poll."""
    return lambda one: lambda: one.hear(*events)


ACTS: dict[str, Act] = {
    "tick": lambda one: one.tick,
    "later tick": ticks_later,
    "unreadable funds": lambda one: lambda: one.ear.hear_garbage(reserved(QUEUED)),
    "enqueue": hears(requested(NEW), reserved(NEW)),
    "end": hears(completed(UP)),
    "start": hears(started(STAGGERED, batch_id=STAGGERED, at=datetime.now(UTC) - timedelta(seconds=6))),
    "return": hears(returned(UP)),
    "less room": hears(room(4)),
    "never started": hears(failed(STAGGERED)),
    "fewer slots": hears(slots(1)),
}


def matters(statement: str) -> bool:
    """Statements about the outbox, offsets and stubs meet nobody."""
    return any(name in statement for name in ("runs", "orgs", "workers", "advisory"))


@pytest.fixture
async def stage(test_database: TestDatabase, scheduler: Scheduler) -> AsyncIterator[Stage]:
    """Two instances under control."""
    databases = [SteppedDatabase(test_database.url("scheduler"), schema="scheduler", matters=matters) for _ in range(2)]
    instances = [await make_on(database, partition=1 + nth) for nth, database in enumerate(databases)]
    onlooker = await asyncpg.connect(test_database.admin_url, server_settings={"search_path": "scheduler"})
    stage = Stage(scheduler, instances, onlooker)
    await stage.begin()
    yield stage
    await onlooker.close()
    for database in databases:
        await database.dispose()


async def meet(
    stage: Stage, names: tuple[str, str], switches: int, check: Callable[[], Awaitable[None]] | None = None
) -> int:
    """Let two instances act in every order; return how many there were."""
    acts = [
        (one.ear.database.steps, act)
        for one, act in zip(stage.instances, stage.acts(names), strict=True)
        if isinstance(one.ear.database, SteppedDatabase)
    ]
    return await every_order(
        acts, prepare=stage.prepare, check=check or stage.check, onlooker=stage.onlooker, switches=switches
    )


@pytest.mark.parametrize("names", [pair for pair in pairs(list(ACTS)) if "tick" in pair], ids=" and ".join)
async def test_nothing_is_stranded_when_a_tick_meets_another_instance(stage: Stage, names: tuple[str, str]) -> None:
    assert await meet(stage, names, SWITCHES) > 2


async def test_two_ticks_in_any_order_dispatch_no_more_than_there_is_room_for(stage: Stage) -> None:
    """Two organisations, so that neither tick finds the other's locked; room for one run more."""
    await stage.calm.only_workers(room(3))
    await stage.calm.accept(NEW, org_id=2)
    await stage.onlooker.execute(
        """
        TRUNCATE saved_orgs, saved_runs, saved_requests;
        INSERT INTO saved_orgs SELECT * FROM orgs; INSERT INTO saved_runs SELECT * FROM runs;
        INSERT INTO saved_requests SELECT * FROM requests;
        UPDATE workers SET heard_at = 'infinity'
        """
    )
    assert await stage.onlooker.fetchval("SELECT sum(in_use) FROM orgs") == 2

    async def check() -> None:
        up = await stage.onlooker.fetchval("SELECT count(*) FROM runs WHERE status = 'dispatched'")
        assert up == 3, up
        assert await stage.onlooker.fetchval("SELECT sum(in_use) FROM orgs") == 3

    assert await meet(stage, ("tick", "tick"), SWITCHES, check) > 2


@pytest.mark.campaign
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("names", list(pairs(list(ACTS))), ids=" and ".join)
async def test_nothing_is_stranded_in_any_order(stage: Stage, names: tuple[str, str]) -> None:
    assert await meet(stage, names, int(os.environ.get("REHEARSAL_SWITCHES", str(CAMPAIGN_SWITCHES)))) > 2
