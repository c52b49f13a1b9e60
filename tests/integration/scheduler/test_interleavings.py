"""Two instances whose statements meet in every order: a run that is due beside a free slot always starts."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.scheduler.edges.db import SqlQueue
from services.scheduler.usecases.give_slots import conclude
from shared.events.event import Event
from tests.integration.scheduler.conftest import Scheduler, make_on, slots
from tests.support.databases import TestDatabase
from tests.support.interleaving import SteppedDatabase, every_order, pairs
from tests.support.some_events import cancel_requested, completed, failed, requested, reserved, returned, room, started

pytestmark = pytest.mark.integration

SWITCHES = 2  # of an order, not counting those that a lock forces
CAMPAIGN_SWITCHES = 4  # REHEARSAL_SWITCHES=99 tries all orders, and takes hours
QUEUED, OVERDUE, UP, STAGGERED, NEW, FUNDED = 11, 13, 10, 21, 31, 41
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
WHERE status = 'queued' AND due_at <= now() AND in_use < max_concurrent_runs AND expires_at > now()
  AND (SELECT sum(in_use) FROM orgs) < (SELECT sum(calls_limit) FROM workers)
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
        async with self.calm.no_room():
            for run_id in (QUEUED, QUEUED + 1, OVERDUE):
                await self.calm.accept(run_id)
        await self.calm.hear(requested(FUNDED))
        await self.save()

    async def save(self) -> None:
        """Keep everything as the beginning."""
        for table in TABLES:
            await self.onlooker.execute(f"DROP TABLE IF EXISTS saved_{table}")
            await self.onlooker.execute(f"CREATE TEMP TABLE saved_{table} AS SELECT * FROM {table}")

    async def prepare(self) -> None:
        """Begin again: one run is overdue, one soon."""
        restore = [f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}" for table in TABLES]
        await self.onlooker.execute(";".join(("DELETE FROM runs", "DELETE FROM outbox", *restore)))
        for one in self.instances:
            one.looks_asked_for.clear()
            one.moved()
        await self.onlooker.execute(
            """
            UPDATE runs
            SET expires_at = clock_timestamp() + make_interval(secs => CASE WHEN run_id = $1 THEN $3 ELSE -1 END)
            WHERE run_id IN ($1, $2)
            """,
            QUEUED, OVERDUE, SOON_SECONDS,
        )  # fmt: skip

    async def check(self) -> None:
        """Everything is right; nothing waits that could go, or a look is asked for; after ticks nothing does."""
        await self.check_that_somebody_looks()
        await self.check_what_is_true()

    async def check_what_is_true(self) -> None:
        """Everything is right; after ticks nothing waits that could go."""
        wrong = await self.onlooker.fetch(NOT_SO)
        assert wrong == [], [dict(row) for row in wrong]
        while await self.calm.tick():
            pass
        assert await self.onlooker.fetch(NOT_SO) == []
        assert await self.onlooker.fetch(STRANDED) == []

    async def check_that_somebody_looks(self) -> None:
        """What could go has gone, without any tick, or one of the two instances has been told to look at once."""
        stranded = await self.onlooker.fetch(STRANDED)
        told = any(seconds <= 0 for one in self.instances for seconds in one.looks_asked_for)
        assert stranded == [] or told, [dict(row) for row in stranded]

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
    "funds": hears(reserved(FUNDED)),
    "unreadable funds": lambda one: lambda: one.ear.hear_garbage(reserved(QUEUED)),
    "enqueue": hears(requested(NEW), reserved(NEW)),
    "end": hears(completed(UP)),
    "start": hears(started(STAGGERED, batch_id=STAGGERED, at=datetime.now(UTC) - timedelta(seconds=6))),
    "return": hears(returned(UP)),
    "cancel": hears(*(cancel_requested(run_id) for run_id in (UP, QUEUED, STAGGERED + 1, FUNDED))),
    "less room": hears(room(4)),
    "never started": hears(failed(STAGGERED)),
    "fewer slots": hears(slots(1)),
}
# What makes nothing due and frees nothing: what waited before it waits for whoever was told of it then.
ASK_FOR_NOTHING = {"unreadable funds", "less room"}


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


@pytest.mark.parametrize("names", [pair for pair in pairs(list(ACTS)) if {"tick", "funds"} & {*pair}], ids=" and ".join)
async def test_nothing_is_stranded_when_one_who_gives_meets_another_instance(
    stage: Stage, names: tuple[str, str]
) -> None:
    assert await meet(stage, names, SWITCHES) > 1


async def all_room_is_taken(stage: Stage) -> None:
    """Begin with two calls up, of two organisations, and no worker with room for a third."""
    await stage.calm.only_workers(room(2))
    await stage.calm.hear(completed(STAGGERED))
    await stage.onlooker.execute("DELETE FROM runs WHERE status <> 'dispatched'; UPDATE orgs SET next_due_at = NULL")
    await stage.calm.accept(UP + 1, org_id=2)
    await stage.onlooker.execute("UPDATE workers SET heard_at = 'infinity'")
    assert await stage.onlooker.fetchval("SELECT sum(in_use) FROM orgs") == 2


async def meet_about_room(stage: Stage, first: Act, second: Act) -> None:
    """Let two act in every order; whoever waits for room that is free by then has got it, or somebody looks."""
    await stage.save()

    async def check() -> None:
        assert await stage.onlooker.fetchval("SELECT sum(in_use) FROM orgs") <= 2
        await stage.check_that_somebody_looks()

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ACTS, "first", first)
        patch.setitem(ACTS, "second", second)
        assert await meet(stage, ("first", "second"), SWITCHES, check) > 2


async def test_what_finds_no_room_is_given_it_by_the_end_that_it_did_not_see(stage: Stage) -> None:
    """One becomes due beside an end of another organisation, after its look: neither sees the other's commit."""
    await all_room_is_taken(stage)
    await stage.calm.hear(requested(NEW, org_id=3))
    await meet_about_room(stage, hears(reserved(NEW, org_id=3)), hears(completed(UP)))


async def test_who_waits_for_room_is_not_forgotten_because_another_instance_has_his_organisation_in_hand(
    stage: Stage,
) -> None:
    """Who enqueues gives nothing, and whoever frees room has to pass by what is locked."""
    await all_room_is_taken(stage)
    await stage.calm.accept(NEW, org_id=3)
    await meet_about_room(stage, hears(requested(NEW + 1, org_id=3)), hears(completed(UP)))


class CrashError(Exception):
    """A process dies."""


async def test_what_a_crash_undid_is_given_by_whoever_hears_the_end_again(stage: Stage) -> None:
    """One frees a slot, gives it, and dies before its commit, in mid-air with another instance's poll or tick."""
    for other in ("tick", "funds", "return"):

        def dies(one: Scheduler) -> Callable[[], Awaitable[object]]:
            async def act() -> None:
                with suppress(CrashError):
                    async with one.ear.database.transaction() as transaction:
                        queue = SqlQueue(transaction, wake=one.looks_asked_for.append)
                        await queue.lock_orgs({1}, run_ids={UP})
                        await queue.end({UP})
                        queue.ask_to_give()
                        await conclude(queue)
                        raise CrashError

            return act

        async def check() -> None:
            await stage.calm.hear(completed(UP))
            await stage.check()

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(ACTS, "dies", dies)
            assert await meet(stage, ("dies", other), SWITCHES, check) > 1, other


async def test_two_ticks_in_any_order_dispatch_no_more_than_there_is_room_for(stage: Stage) -> None:
    """Two organisations, so that neither tick finds the other's locked; room for one run more."""
    await stage.calm.only_workers()
    await stage.calm.accept(NEW, org_id=2)
    await stage.calm.hear(room(3))
    await stage.onlooker.execute("UPDATE workers SET heard_at = 'infinity'")
    await stage.save()
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
    switches = int(os.environ.get("REHEARSAL_SWITCHES", str(CAMPAIGN_SWITCHES)))
    check = stage.check_what_is_true if {*names} <= ASK_FOR_NOTHING else stage.check
    assert await meet(stage, names, switches, check) > 2
