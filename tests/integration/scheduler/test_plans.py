"""Polls and ticks read what they are about, however long the queue is and however much has ended."""

import asyncio

import pytest

from services.scheduler.edges.gauges import measure_once
from shared.events.admissions import TestCallDispatched
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.databases import TestDatabase
from tests.support.plans import assert_nothing_reads_too_much
from tests.support.some_events import completed, declined, failed, of, requested, reserved, started
from tests.support.waiting import eventually

MANY = 500  # slots


async def live(scheduler: Scheduler) -> None:
    """Hear everything that the scheduler hears, and tick; leave runs of every state behind."""
    await scheduler.hear(*(slots(MANY, org_id=org_id) for org_id in (1, 2, 3)))
    await scheduler.hear(*(requested(run, run + 1, run + 2, stagger_seconds=2) for run in range(10, 70, 3)))
    await scheduler.hear(*(reserved(run, run + 1, run + 2) for run in range(10, 70, 3)))
    await scheduler.hear(*(reserved(run) for run in range(100, 110)), *(failed(run) for run in range(110, 120)))
    await scheduler.hear(*(requested(run) for run in range(100, 120)))
    for run in (200, 210):
        async with scheduler.no_room():
            await scheduler.accept(*range(run, run + 5), org_id=2)
    dispatched = await scheduler.tick()
    assert dispatched
    await scheduler.hear(*(started(run, batch_id=run) for run in dispatched))
    await scheduler.hear(*(completed(run) for run in dispatched[:20]))
    await scheduler.hear(requested(300), declined(300), declined(301))
    for event in (requested(310), reserved(310), completed(dispatched[-1]), declined(311)):
        await scheduler.ear.hear_garbage(event)
    await ticked(scheduler)
    await measure_once(scheduler.ear.database)
    await scheduler.hear(requested(500, org_id=3))
    await scheduler.accept(501, org_id=3)
    await scheduler.time_passes(10_000)
    await scheduler.accept(*range(600, 620), org_id=1, stagger_seconds=1)
    await scheduler.accept(*range(700, 720), org_id=1)
    await scheduler.accept(800, org_id=1)


async def ticked(scheduler: Scheduler) -> None:
    """Let the ticker run as it does in the service: tick, then ask when the next one is due."""
    running = asyncio.create_task(scheduler.ticker.run(scheduler.ear.outbox))
    for run in (400, 401):
        async with scheduler.no_room():
            await scheduler.accept(run, org_id=3)
        scheduler.ticker.wake_in(0)

        async def is_dispatched() -> bool:
            return bool(of(await scheduler.ear.said(), TestCallDispatched))

        await eventually(is_dispatched, what="a dispatch")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.integration
async def test_no_statement_reads_the_queue(scheduler: Scheduler, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(
        lambda: live(scheduler),
        test_database,
        "scheduler",
        statements_at_least=15,
        lost="ALTER TABLE scheduler.runs DROP CONSTRAINT runs_pkey CASCADE",
    )


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_no_statement_reads_a_million_rows(scheduler: Scheduler, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(lambda: live(scheduler), test_database, "scheduler", rows=1_000_000)
