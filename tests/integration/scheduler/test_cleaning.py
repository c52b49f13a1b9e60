"""What no event can ask for any more goes; what still may be asked for stays."""

import pytest

from services.scheduler.domain.limits import ENDED_RUNS_KEPT_DAYS, GONE_WORKERS_KEPT_DAYS, LEFT_REQUESTS_KEPT_HOURS
from services.scheduler.edges.cleaner import clean_once
from tests.integration.scheduler.conftest import Scheduler
from tests.support.some_events import completed, failed, reserved, room

pytestmark = pytest.mark.integration


async def test_only_what_ended_long_ago_goes(scheduler: Scheduler) -> None:
    for run_id in (11, 12, 13):
        await scheduler.accept(run_id)
    await scheduler.tick()
    await scheduler.hear(completed(11), completed(12))  # 13 is up
    await scheduler.hear(failed(21), reserved(31))  # a tombstone, and funds before their request
    async with scheduler.ear.database.transaction() as transaction:
        for statement in (
            "UPDATE runs SET ended_at = ended_at - make_interval(days => :days) WHERE run_id = 11",
            "UPDATE ended_early SET noted_at = noted_at - make_interval(days => :days)",
            "UPDATE funds_stubs SET noted_at = noted_at - make_interval(days => :days)",
        ):
            await transaction.run(statement, days=ENDED_RUNS_KEPT_DAYS)
    assert await clean_once(scheduler.ear.database) == 1
    assert await scheduler.value("SELECT string_agg(CAST(run_id AS text), ' ' ORDER BY run_id) FROM runs") == "12 13"
    assert await scheduler.value("SELECT (SELECT count(*) FROM ended_early) + (SELECT count(*) FROM funds_stubs)") == 0
    assert await clean_once(scheduler.ear.database) == 0


async def test_requests_that_two_ends_left_to_each_other_go_and_others_stay(scheduler: Scheduler) -> None:
    for run_id in (11, 12, 13):
        await scheduler.accept(run_id)
    async with scheduler.ear.database.transaction() as transaction:
        # As if each of two ends had seen the other's run go on.
        await transaction.run("UPDATE runs SET status = 'ended', ended_at = now() WHERE run_id IN (11, 12)")
        await transaction.run(
            "UPDATE requests SET noted_at = noted_at - make_interval(hours => :hours) WHERE request_id IN (11, 13)",
            hours=LEFT_REQUESTS_KEPT_HOURS,
        )
    await clean_once(scheduler.ear.database)
    left = "SELECT string_agg(CAST(request_id AS text), ' ' ORDER BY request_id) FROM requests"
    assert await scheduler.value(left) == "12 13", "13 is still needed, and 12 is too young to be looked at"


async def test_workers_that_are_long_gone_are_forgotten(scheduler: Scheduler) -> None:
    await scheduler.only_workers(room(5, worker=1), room(5, worker=2))
    async with scheduler.ear.database.transaction() as transaction:
        await transaction.run(
            """
            UPDATE workers SET heard_at = heard_at - make_interval(days => :days)
            WHERE worker_id = (SELECT min(worker_id) FROM workers)
            """,
            days=GONE_WORKERS_KEPT_DAYS,
        )
    await clean_once(scheduler.ear.database)
    assert await scheduler.value("SELECT count(*) FROM workers") == 1
