"""Fairness: between organisations, between batches, and between batches and single runs."""

import pytest

from services.scheduler.domain import limits
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import completed, room

pytestmark = pytest.mark.integration


async def test_single_runs_go_before_batches(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(2))
    async with scheduler.no_room():
        await scheduler.accept(11, 12, 13)
        await scheduler.accept(20)
        await scheduler.accept(21)
    assert await scheduler.tick() == [20, 21]


async def test_batches_take_turns(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(4))
    async with scheduler.no_room():
        await scheduler.accept(11, 12, 13, 14, 15)
        await scheduler.accept(21, 22, 23)
    assert await scheduler.tick() == [11, 12, 21, 22]


async def test_a_batch_run_that_waited_long_goes_before_new_single_runs(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    async with scheduler.no_room():
        await scheduler.accept(11, 12)
        await scheduler.time_passes(limits.LONG_WAIT_SECONDS + 1)
        await scheduler.accept(20)
    assert await scheduler.tick() == [11]


async def test_an_organisation_with_a_long_queue_does_not_keep_another_waiting(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_RUNS_OF_ORG_PER_TICK", 5)
    monkeypatch.setattr(limits, "MAX_DISPATCHES_PER_TICK", 8)
    await scheduler.hear(slots(1_000), slots(1_000, org_id=2))
    async with scheduler.no_room():
        for run_id in range(100, 140):
            await scheduler.accept(run_id)
        await scheduler.accept(900, org_id=2)
    assert 900 in await scheduler.tick()


async def test_organisations_that_were_served_longest_ago_come_first(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_ORGS_PER_TICK", 1)
    await scheduler.only_workers()
    for org_id in (1, 2, 3):
        await scheduler.hear(slots(1, org_id=org_id))
        for nth in range(3):
            await scheduler.accept(org_id * 10 + nth, org_id=org_id)
    await scheduler.hear(room(1))
    (run_id,) = await scheduler.tick()
    served = [run_id // 10]
    for _ in range(8):
        await scheduler.hear(completed(run_id, org_id=run_id // 10))
        (run_id,) = scheduler.dispatched()
        served.append(run_id // 10)
    assert served == [1, 2, 3] * 3, "whoever ends a run has no right to the next"
