"""Runs are dispatched as far as the workers have room; without it they wait, as for a slot."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.edges import gauges
from services.scheduler.edges.ticker import Ticker
from shared.messaging.outbox import Outbox
from tests.integration.scheduler.conftest import MakeScheduler, Scheduler, slots
from tests.support.some_events import completed, failed, requested, reserved, room
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SILENT = limits.ROOM_HEARD_WITHIN_SECONDS + 1


async def accept_many(scheduler: Scheduler, runs: range, org_id: int = 1) -> None:
    """Single runs that are all due."""
    for run_id in runs:
        await scheduler.accept(run_id, org_id=org_id)


async def test_without_a_worker_nothing_is_dispatched_and_the_first_one_gets_it_all(scheduler: Scheduler) -> None:
    await scheduler.only_workers()
    await accept_many(scheduler, range(11, 14))
    assert await scheduler.tick() == []
    await scheduler.hear(room(500))
    assert await scheduler.tick() == [11, 12, 13]


async def test_no_more_is_dispatched_than_all_workers_together_take(scheduler: Scheduler) -> None:
    await scheduler.only_workers(room(2, worker=1), room(1, worker=2))
    await accept_many(scheduler, range(11, 19))
    assert await scheduler.tick() == [11, 12, 13]
    assert await scheduler.tick() == []
    await scheduler.hear(completed(12), failed(13))
    assert await scheduler.tick() == [14, 15]
    await scheduler.hear(room(3, worker=3))
    assert await scheduler.tick() == [16, 17, 18]


async def test_a_silent_worker_is_gone_and_comes_back_when_it_is_heard_again(scheduler: Scheduler) -> None:
    await scheduler.only_workers(room(5))
    await scheduler.workers_fall_silent(limits.ROOM_HEARD_WITHIN_SECONDS - 5)
    await scheduler.accept(11)
    assert await scheduler.tick() == [11]
    await scheduler.workers_fall_silent(5)
    await scheduler.accept(12)
    assert await scheduler.tick() == []
    await scheduler.hear(room(5))
    assert await scheduler.tick() == [12]


async def test_a_worker_that_drains_takes_no_more_and_what_it_holds_takes_nobody_elses_room(
    scheduler: Scheduler,
) -> None:
    await scheduler.only_workers(room(2, worker=1))
    await accept_many(scheduler, range(11, 16))
    assert await scheduler.tick() == [11, 12]
    await scheduler.hear(room(0, worker=1, calls_up=2), room(2, worker=2))
    assert await scheduler.tick() == [13, 14]
    await scheduler.hear(completed(11), room(0, worker=1, calls_up=1))
    assert await scheduler.tick() == [], "the room that became free was the draining worker's"


async def test_announcements_of_long_ago_that_are_read_again_are_no_workers(scheduler: Scheduler) -> None:
    long_ago = datetime.now(UTC) - timedelta(seconds=limits.ROOM_ANNOUNCED_WITHIN_SECONDS + 60)
    await scheduler.only_workers(room(500, announced_at=long_ago))
    await scheduler.accept(11)
    assert await scheduler.tick() == []


async def test_an_older_announcement_changes_nothing_unless_the_worker_were_gone_by_it(scheduler: Scheduler) -> None:
    earlier = datetime.now(UTC) - timedelta(seconds=5)
    await scheduler.only_workers(room(0))
    await scheduler.hear(room(500, announced_at=earlier))
    await scheduler.accept(11)
    assert await scheduler.tick() == []
    await scheduler.workers_fall_silent(SILENT)
    await scheduler.hear(room(500, announced_at=earlier))
    assert await scheduler.tick() == [11], "its clock was put back"


async def test_little_room_is_shared_and_a_burst_starves_nobody(scheduler: Scheduler) -> None:
    await scheduler.only_workers()
    await scheduler.hear(slots(1_000, org_id=1), slots(1_000, org_id=2))
    await accept_many(scheduler, range(100, 140))
    await accept_many(scheduler, range(900, 903), org_id=2)
    await scheduler.hear(room(10))
    first = await scheduler.tick()
    assert {900, 901, 902} <= set(first), "half the room each, and a small one needs less"
    assert len(first) + len(await scheduler.tick()) == 10, "and what it leaves is used"


async def test_a_small_organisation_that_comes_late_gets_the_next_room(scheduler: Scheduler) -> None:
    await scheduler.only_workers(room(5))
    await scheduler.hear(slots(1_000, org_id=1), slots(1_000, org_id=2))
    await accept_many(scheduler, range(100, 140))
    assert len(await scheduler.tick()) == 5
    await scheduler.accept(900, org_id=2)
    assert await scheduler.tick() == []
    await scheduler.hear(completed(100))
    assert await scheduler.tick() == [900]


async def test_billings_answer_takes_no_room_from_who_waits_for_it(scheduler: Scheduler) -> None:
    await scheduler.only_workers(room(1))
    await scheduler.accept(11)
    await scheduler.accept(21, org_id=2)
    await scheduler.hear(requested(12))
    assert scheduler.dispatched() == [11]
    await scheduler.hear(completed(11), reserved(12))
    assert scheduler.dispatched() == [21], "it waited, and its organisation was served longest ago"


async def test_a_run_that_waited_for_a_worker_in_vain_says_so(scheduler: Scheduler) -> None:
    await scheduler.only_workers()
    await scheduler.hear(slots(1, max_queue_seconds=60))
    await scheduler.accept(11)
    await scheduler.time_passes(50)
    assert await scheduler.expired() == []
    await scheduler.time_passes(11)
    assert [one.reason for one in await scheduler.expired()] == [limits.NO_ROOM]


async def test_instances_that_tick_at_once_never_dispatch_more_than_there_is_room_for(
    make_scheduler: MakeScheduler,
) -> None:
    instances = [await make_scheduler(partition) for partition in range(4)]
    first = instances[0]
    await first.only_workers(room(7))
    for org_id in range(1, 9):
        await accept_many(first, range(org_id * 100, org_id * 100 + 10), org_id=org_id)
    seen: list[int] = []
    while len(seen) < 80:
        await first.hear(room(7))
        now = [run_id for some in await asyncio.gather(*(one.tick() for one in instances)) for run_id in some]
        seen += now
        up = await first.value("SELECT count(*) FROM runs WHERE status = 'dispatched'")
        assert up <= 7
        assert await first.value("SELECT sum(in_use) FROM orgs") == up
        for run_id in now:
            await first.hear(completed(run_id, org_id=run_id // 100))
    assert sorted(seen) == sorted(set(seen))


async def test_without_room_nobody_ticks_all_the_time_and_new_room_is_used_at_once(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue that is due and cannot go is no reason for a tick; room is."""
    monkeypatch.setattr(limits, "FALLBACK_LOOK_SECONDS", 3_600.0)
    await scheduler.only_workers(room(1))
    await accept_many(scheduler, range(11, 14))
    ticks = 0

    class Counted(Ticker):
        async def tick_once(self, outbox: Outbox) -> int:
            nonlocal ticks
            ticks += 1
            return await super().tick_once(outbox)

    async def dispatched() -> int:
        return int(await scheduler.value("SELECT count(*) FROM runs WHERE status = 'dispatched'"))

    async def all_dispatched() -> bool:
        return await dispatched() == 3

    ticker = Counted(scheduler.ear.database)
    working = asyncio.create_task(ticker.run(scheduler.ear.outbox))
    await eventually(dispatched)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(working), timeout=0.5)  # a busy poll would tick 25 times
    assert ticks <= 3
    await scheduler.ear.hear(room(3))
    ticker.wake_in(0)
    await eventually(all_dispatched)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_only_new_room_asks_for_a_tick(scheduler: Scheduler) -> None:
    await scheduler.only_workers(room(5))
    assert len(scheduler.looks_asked_for) == 1
    await scheduler.hear(room(5))
    await scheduler.hear(room(5, calls_up=4))
    assert len(scheduler.looks_asked_for) == 1, "a worker repeats itself every few seconds"
    await scheduler.hear(room(6))
    assert len(scheduler.looks_asked_for) == 2


async def test_operators_are_told_that_workers_are_short(scheduler: Scheduler) -> None:
    async def told() -> list[float]:
        await gauges.measure_once(scheduler.ear.database)
        ours = (metrics.ANNOUNCED_ROOM, metrics.DISPATCHED_NOW, metrics.WAITING_FOR_ROOM)
        return [next(iter(gauge.collect())).samples[0].value for gauge in ours]

    await scheduler.only_workers(room(2))
    await scheduler.hear(slots(4))
    await accept_many(scheduler, range(11, 19))
    await scheduler.tick()
    assert await told() == [2, 2, 2], "of the six that wait, two have a slot"
    await scheduler.hear(room(10))
    await scheduler.tick()
    assert await told() == [10, 4, 0], "the others wait for a slot"
