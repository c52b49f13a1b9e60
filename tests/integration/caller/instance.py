"""Instances of the caller on a real database: a test hands them polls, asks them to claim, and owns their clock."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.caller.domain import limits
from services.caller.domain.attempt import Claimed
from services.caller.edges.calls.spoken import ChosenCalls
from services.caller.edges.db.claiming import claim
from services.caller.edges.db.stages import GroupedStages
from services.caller.edges.taking import Take, Taking
from services.caller.edges.worker import Worker
from services.caller.ports import Stages
from services.caller.wiring import listener
from shared.db.database import Database
from shared.events.admissions import TestCallDispatched
from shared.events.event import Event
from tests.integration.caller.faults import BreakableOutbox, Mortal
from tests.integration.caller.line import Line
from tests.support.ear import Ear, an_ear
from tests.support.some_events import requested
from tests.support.waiting import eventually

AS_FAST_AS_IT_GOES = 1e9


def dispatched(run_id: int, *, starts_within_seconds: float = 60.0, **fields: Any) -> TestCallDispatched:
    """A dispatch of a run."""
    request = requested(run_id)
    values: dict[str, Any] = {
        "run_id": run_id,
        "org_id": 1,
        "request_id": run_id,
        "batch_id": None,
        "prompt": request.prompts[0],
        "direction": "outbound",
        "mode": "bot",
        "target": request.target,
        "held_minutes": 1,
        "start_before": datetime.now(UTC) + timedelta(seconds=starts_within_seconds),
    }
    return TestCallDispatched(**(values | fields))


@dataclass
class Clock:
    """Seconds that pass when the test says so. `looks` counts how often somebody asked for the time."""

    now: float = 1_000.0
    looks: int = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now

    async def is_looked_at(self) -> None:
        """Wait until whoever holds a call has seen what time it is now."""
        before = self.looks

        async def looked() -> bool:
            return self.looks >= before + 2

        await eventually(looked, what="a look at the clock")


@dataclass
class Caller:
    """One instance, and its line to the database; a test asks over one of its own.

    What `full_ear` hears is heard while there is no room: it waits.
    """

    ear: Ear
    full_ear: Ear
    full: Taking
    database: Database
    worker: Worker
    stages: Stages
    line: Line
    clock: Clock
    outbox: BreakableOutbox
    told: list[Event] = field(default_factory=list)

    async def hear(self, *events: Event) -> None:
        """Hear a poll, and call what there is room for."""
        self.told += await self.ear.hear(*events)

    async def hear_without_room(self, *events: Event) -> None:
        """Hear a poll that lets everything wait."""
        self.told += await self.full_ear.hear(*events)

    async def claim(self) -> None:
        """Claim what there is room for, once; the calls begin."""
        await self.worker.claims.claim_once()

    async def claims_and_vanishes(self) -> list[Claimed]:
        """Claim, and never be heard of again."""
        take = Take(room=100, weight=100, asked_at=0.0)
        async with self.database.transaction() as transaction:
            await claim(transaction, take)
        return [taken.claimed for taken in take.attempts]

    async def claims_as_workers_of_before_did(self) -> None:
        """Claim all that waits, before dialling it, and never be heard of again."""
        async with self.database.transaction() as transaction:
            await transaction.run(
                """
                UPDATE attempts SET status = 'claimed', lease_token = gen_random_uuid(),
                    lease_expires_at = now() + make_interval(secs => :seconds)
                WHERE status = 'waiting'
                """,
                seconds=limits.LEASE_SECONDS,
            )

    def dies(self) -> None:
        """Be gone, with all calls and all doubts."""
        assert isinstance(self.stages, Mortal)
        self.stages.dead = True
        for doubt in self.worker.taking._doubts:
            doubt.cancel()

    async def idle(self) -> None:
        """Wait until no call is up here."""

        async def nothing_up() -> bool:
            return len(self.worker.held) == 0

        await eventually(nothing_up, what="all calls ended")

    async def reap(self) -> None:
        """Look for what is overdue."""
        await self.worker.reaper.reap()

    async def call(self, *events: Event) -> list[Event]:
        """Hear dispatches, call, wait for the end; return what was said."""
        await self.hear(*events)
        await self.claim()
        await self.idle()
        return await self.said()

    async def said(self) -> list[Event]:
        """Everything that was said so far, whichever instance said it."""
        self.told += await self.ear.said()
        return self.told

    async def status(self, run_id: int) -> str | None:
        """What the database says of a run."""
        status: str | None = await self.value("SELECT status FROM attempts WHERE run_id = :run", run=run_id)
        return status

    async def has_started(self, *run_ids: int) -> None:
        """Wait until it is written down that calls have started: that happens beside the talk."""

        async def written_down() -> bool:
            started = "SELECT count(*) FROM attempts WHERE status = 'started' AND run_id = ANY(CAST(:runs AS bigint[]))"
            return bool(await self.value(started, runs=list(run_ids)) == len(run_ids))

        await eventually(written_down, what="the start is written down")

    async def value(self, question: str, **values: Any) -> Any:
        """Ask the caller's database."""
        async with self.ear.database.reading() as transaction:
            return await transaction.value(question, **values)

    async def leases_run_out(self, *run_ids: int) -> None:
        """Let the database's clock pass the leases of these runs, or of all."""
        async with self.ear.database.transaction() as transaction:
            await transaction.run(
                """
                UPDATE attempts SET lease_expires_at = now() - interval '1 second'
                WHERE run_id IN (  -- locked in the order of every other statement, so that none waits in a circle
                    SELECT run_id FROM attempts
                    WHERE lease_expires_at IS NOT NULL AND (:all OR run_id = ANY(CAST(:runs AS bigint[])))
                    ORDER BY run_id FOR UPDATE
                ) AND lease_expires_at IS NOT NULL
                """,
                all=not run_ids,
                runs=list(run_ids),
            )

    async def start_passes(self, run_id: int) -> None:
        """Let the database's clock pass the time until which a run may be started."""
        async with self.database.transaction() as transaction:
            await transaction.run(
                "UPDATE attempts SET start_before = now() - interval '1 second' WHERE run_id = :run", run=run_id
            )

    async def token_is_replaced(self, run_id: int) -> None:
        """Let another worker have the attempt."""
        async with self.database.transaction() as transaction:
            await transaction.run("UPDATE attempts SET lease_token = gen_random_uuid() WHERE run_id = :run", run=run_id)


async def about_to_dial(caller: Caller, run_id: int = 11) -> asyncio.Event:
    """Take a run whose agent has not heard of it yet; return what lets the call go on."""
    caller.line.slow_to_dial = True
    before = len(caller.line.gates.get(run_id, []))
    await caller.hear(dispatched(run_id, direction="inbound"))
    await caller.claim()
    await eventually(caller.line.waits(run_id, before + 1))
    return caller.line.gates[run_id][before]


@dataclass
class Callers:
    """Makes instances, and stops them at the end."""

    database: Database
    line: Line
    made: list[Caller] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def another(
        self,
        *,
        calls_limit: int = 50,
        speed: float = AS_FAST_AS_IT_GOES,
        database: Database | None = None,
        mortal: bool = False,
        drain_seconds: float | None = None,
        leases_database: Database | None = None,
    ) -> Caller:
        """Start an instance, with partitions, a clock and an outbox of its own."""
        database, clock, outbox = database or self.database, Clock(), BreakableOutbox()
        grouped = GroupedStages(database, outbox)
        self.tasks.append(asyncio.create_task(grouped.run(), name="stages"))
        stages = Mortal(grouped, self.line) if mortal else grouped
        worker = Worker(
            database=database,
            leases_database=leases_database or database,
            outbox=outbox,
            stages=stages,
            calls=ChosenCalls(stages if isinstance(stages, Mortal) else self.line, None, {}),
            speed=speed,
            calls_limit=calls_limit,
            drain_seconds=drain_seconds,
            clock=clock,
        )
        full = Taking(database, worker.held, calls_limit=0, now=clock, run=worker._run, poke=worker.claims.poke)
        ear = await an_ear("caller", database, listener(lambda: worker.taking), partition=2 * len(self.made))
        full_ear = await an_ear("caller", database, listener(lambda: full), partition=2 * len(self.made) + 1)
        ear.database = full_ear.database = self.database  # a test loses nothing of what was said
        self.made.append(Caller(ear, full_ear, full, database, worker, stages, self.line, clock, outbox))
        return self.made[-1]

    async def stop(self) -> None:
        """Stop everything. A part that fell by itself is a fault of the product."""
        for task in self.tasks:
            if task.done():
                task.result()
        calls = [task for task in asyncio.all_tasks() if task.get_name().startswith(("call ", "doubt"))]
        for task in (*calls, *self.tasks):
            task.cancel()
        await asyncio.gather(*calls, *self.tasks, return_exceptions=True)
        self.tasks.clear()
