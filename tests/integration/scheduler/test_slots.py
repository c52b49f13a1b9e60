"""Slots: never more than an organisation has, all of them used, each freed once."""

import asyncio

import pytest

from shared.events.admissions import TestCallDispatched
from tests.integration.scheduler.conftest import MakeScheduler, Scheduler, slots
from tests.support.some_events import completed, declined, failed, of, requested, reserved, started

pytestmark = pytest.mark.integration

UP = """
SELECT coalesce(max(n), 0) FROM (
    SELECT count(*) AS n FROM runs WHERE status = 'dispatched' GROUP BY org_id
) AS up
"""


async def test_a_funded_run_is_dispatched_once(scheduler: Scheduler) -> None:
    await scheduler.accept(11)
    assert await scheduler.tick() == [11]
    assert await scheduler.tick() == []


async def test_nothing_is_dispatched_without_funds(scheduler: Scheduler) -> None:
    await scheduler.hear(requested(11), requested(12))
    assert await scheduler.tick() == []
    await scheduler.hear(declined(11), reserved(12))
    assert await scheduler.tick() == [12]


async def test_billings_answer_may_be_heard_before_the_request(scheduler: Scheduler) -> None:
    await scheduler.hear(reserved(11), declined(12))
    assert await scheduler.tick() == []
    await scheduler.hear(requested(11), requested(12))
    assert await scheduler.tick() == [11]
    assert await scheduler.value("SELECT count(*) FROM funds_stubs") == 0


async def test_events_that_come_twice_change_nothing(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    for _ in range(2):
        await scheduler.accept(11)
        await scheduler.accept(12)
    assert await scheduler.tick() == [11]
    await scheduler.accept(11)
    assert await scheduler.tick() == []
    await scheduler.hear(completed(11), completed(11))
    await scheduler.hear(completed(11), failed(11))
    assert scheduler.dispatched() == [12], "the slot went on with the first end, and with no other"
    assert await scheduler.value("SELECT in_use FROM orgs") == 1
    await scheduler.accept(11)
    assert await scheduler.tick() == [], "an ended run does not come back"
    assert scheduler.ear.dead == []


async def test_a_funded_run_goes_out_in_the_poll_that_brings_the_answer(scheduler: Scheduler) -> None:
    await scheduler.hear(requested(11))
    assert scheduler.dispatched() == []
    await scheduler.hear(reserved(11))
    assert scheduler.dispatched() == [11]


async def test_a_batch_takes_the_slots_that_there_are_and_no_more(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(3))
    await scheduler.accept(9)
    await scheduler.accept(11, 12, 13, 14)
    await scheduler.accept(20)
    assert scheduler.dispatched() == [9, 11, 12]
    assert await scheduler.value("SELECT in_use FROM orgs") == 3
    await scheduler.hear(completed(11), completed(12))
    assert scheduler.dispatched() == [13, 20], "single runs go first"


async def test_a_freed_slot_goes_to_the_next_run(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(2))
    for run_id in (11, 12, 13, 14):
        await scheduler.accept(run_id)
    assert await scheduler.tick() == [11, 12]
    await scheduler.hear(failed(12))
    assert await scheduler.tick() == [13]


async def test_a_lowered_limit_dispatches_none_and_a_raised_one_more(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(2))
    for run_id in (11, 12, 13, 14):
        await scheduler.accept(run_id)
    assert await scheduler.tick() == [11, 12]
    await scheduler.hear(slots(1))
    await scheduler.hear(completed(11))
    assert await scheduler.tick() == []
    await scheduler.hear(slots(3))
    assert await scheduler.tick() == [13, 14]
    await scheduler.hear(slots(0))
    await scheduler.accept(15)
    assert await scheduler.tick() == []


async def test_a_run_that_ended_before_its_request_was_heard_takes_no_slot(scheduler: Scheduler) -> None:
    await scheduler.hear(failed(11))
    await scheduler.accept(11)
    assert await scheduler.tick() == []
    assert await scheduler.value("SELECT coalesce(sum(in_use), 0) FROM orgs") == 0


async def test_instances_that_tick_at_once_never_exceed_the_limit_and_reach_it(
    make_scheduler: MakeScheduler,
) -> None:
    instances = [await make_scheduler(partition) for partition in range(4)]
    first = instances[0]
    for org_id in (1, 2, 3):
        await first.hear(slots(3, org_id=org_id))
        for run_id in range(org_id * 100, org_id * 100 + 30):
            await first.accept(run_id, org_id=org_id)
    limit_reached = 0
    seen: list[int] = []
    while len(seen) < 90:
        now = [run_id for some in await asyncio.gather(*(one.tick() for one in instances)) for run_id in some]
        seen += now
        up = await first.value(UP)
        assert up <= 3
        limit_reached += up == 3
        assert await first.value("SELECT max(in_use) FROM orgs") == up
        for run_id in now:
            await first.hear(completed(run_id, org_id=run_id // 100))
        if not now:
            assert await first.value("SELECT max(in_use) FROM orgs") == 0
    assert sorted(seen) == sorted(set(seen)), "no run was dispatched twice"
    assert limit_reached


async def test_an_end_that_cannot_be_read_frees_its_slot_once(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11)
    await scheduler.accept(12)
    assert await scheduler.tick() == [11]
    said = await scheduler.ear.hear_garbage(completed(11))
    assert [one.run_id for one in of(said, TestCallDispatched)] == [12]
    assert await scheduler.ear.hear_garbage(completed(11)) == []
    assert await scheduler.tick() == []
    assert await scheduler.value("SELECT in_use FROM orgs") == 1


async def test_a_start_that_cannot_be_read_starts_the_successors_clock(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, stagger_seconds=5)
    assert await scheduler.tick() == [11]
    await scheduler.ear.hear_garbage(started(11, batch_id=11))
    await scheduler.time_passes(5)
    assert await scheduler.tick() == [12]
