"""Stagger: between actual starts, not between dispatches."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import failed, requested, reserved, started

pytestmark = pytest.mark.integration


async def test_a_successor_waits_for_the_start_and_then_for_the_stagger(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, 13, stagger_seconds=10)
    assert await scheduler.tick() == [11]
    await scheduler.time_passes(60)
    assert await scheduler.tick() == [], "the first has not started yet"
    await scheduler.hear(started(11, batch_id=11))
    assert await scheduler.tick() == []
    await scheduler.time_passes(9)
    assert await scheduler.tick() == []
    await scheduler.time_passes(1.1)
    assert await scheduler.tick() == [12]
    await scheduler.hear(started(11, batch_id=11))
    await scheduler.time_passes(60)
    assert await scheduler.tick() == [], "the third waits for the second, whatever comes twice"


async def test_the_clock_runs_from_the_start_itself_not_from_when_it_was_heard(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, stagger_seconds=10)
    assert await scheduler.tick() == [11]
    await scheduler.hear(started(11, batch_id=11, at=datetime.now(UTC) - timedelta(seconds=11)))
    assert await scheduler.tick() == [12]


async def test_without_stagger_all_runs_of_a_batch_go_at_once(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, 13)
    assert await scheduler.tick() == [11, 12, 13]


async def test_a_run_that_failed_before_its_start_does_not_stop_the_batch(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, stagger_seconds=10)
    assert await scheduler.tick() == [11]
    await scheduler.hear(failed(11))
    assert await scheduler.tick() == []
    await scheduler.time_passes(10.1)
    assert await scheduler.tick() == [12]


async def test_a_start_heard_after_the_end_counts_no_second_time(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, 13, stagger_seconds=10)
    assert await scheduler.tick() == [11]
    await scheduler.hear(started(11, batch_id=11), failed(11, called=True))
    await scheduler.time_passes(10.1)
    assert await scheduler.tick() == [12]


async def test_a_staggered_batch_waits_for_slots_too(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11, 12, stagger_seconds=1)
    assert await scheduler.tick() == [11]
    await scheduler.hear(started(11, batch_id=11))
    await scheduler.time_passes(5)
    assert await scheduler.tick() == []


async def test_a_start_that_overtakes_billings_answer_for_the_rest_is_kept(scheduler: Scheduler) -> None:
    await scheduler.hear(requested(11, 12, stagger_seconds=10))
    await scheduler.hear(reserved(11, 12))
    assert await scheduler.tick() == [11]
    await scheduler.hear(started(11, batch_id=11), failed(11, called=True), reserved(11, 12))
    await scheduler.time_passes(10.1)
    assert await scheduler.tick() == [12]
