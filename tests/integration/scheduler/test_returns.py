"""A dispatch that no worker had room for comes back: the run waits again, and goes out under the next number."""

import pytest

from services.scheduler.domain import limits
from shared.events.admissions import TestCallDispatched
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import completed, failed, of, requested, returned, started

pytestmark = pytest.mark.integration


async def dispatches(scheduler: Scheduler) -> list[tuple[int, int]]:
    """Tick once; return run and number of each dispatch since somebody asked."""
    return [(one.run_id, one.dispatch_no) for one in of(await scheduler.tick_and_tell(), TestCallDispatched)]


async def test_a_returned_run_frees_its_slot_and_is_dispatched_again_in_its_turn(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11)
    await scheduler.accept(12)
    assert await dispatches(scheduler) == [(11, 1)]
    async with scheduler.no_room():
        await scheduler.hear(returned(11))
        assert await scheduler.value("SELECT in_use FROM orgs") == 0
    assert await dispatches(scheduler) == [(11, 2)], "it was first, and is still"
    await scheduler.hear(completed(11))
    assert await dispatches(scheduler) == [(12, 1)]


async def test_a_return_that_comes_twice_or_late_changes_nothing(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11)
    await dispatches(scheduler)
    async with scheduler.no_room():
        await scheduler.hear(returned(11), returned(11))
        await scheduler.hear(returned(11))
        assert await scheduler.value("SELECT in_use FROM orgs") == 0
    assert await dispatches(scheduler) == [(11, 2)]
    await scheduler.hear(returned(11, 1))
    assert await scheduler.value("SELECT in_use FROM orgs") == 1, "the second dispatch is on its way"
    assert await dispatches(scheduler) == []
    await scheduler.hear(completed(11))
    await scheduler.hear(returned(11, 2))
    assert await scheduler.value("SELECT in_use FROM orgs") == 0
    assert await dispatches(scheduler) == []
    assert scheduler.ear.dead == []


async def test_a_returned_run_goes_out_again_with_its_return_where_there_is_room(scheduler: Scheduler) -> None:
    await scheduler.accept(11)
    await scheduler.hear(returned(11), returned(11))
    await scheduler.hear(returned(11))
    assert [one.dispatch_no for one in of(scheduler.moved(), TestCallDispatched)] == [1, 2]
    assert await scheduler.value("SELECT in_use FROM orgs") == 1


async def test_a_return_of_what_is_not_dispatched_changes_nothing(scheduler: Scheduler) -> None:
    await scheduler.hear(returned(99), requested(11))
    await scheduler.hear(returned(11))
    assert await dispatches(scheduler) == []
    assert await scheduler.value("SELECT status FROM runs") == "waiting_funds"


async def test_a_scheduler_that_was_rebuilt_goes_on_counting_where_the_callers_are(scheduler: Scheduler) -> None:
    await scheduler.accept(11)
    assert await dispatches(scheduler) == [(11, 1)]
    await scheduler.hear(returned(11, 4))
    assert await dispatches(scheduler) == [(11, 5)]


async def test_a_run_that_comes_back_again_and_again_waits_no_longer_than_any(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=100))
    await scheduler.accept(11)
    for number in (1, 2, 3):
        assert await dispatches(scheduler) == [(11, number)]
        await scheduler.time_passes(limits.START_WITHIN_SECONDS + 1)
        assert await scheduler.expired() == [], "as long as it is dispatched it is the caller's"
        await scheduler.hear(returned(11, number))
    assert await dispatches(scheduler) == [(11, 4)]
    await scheduler.time_passes(limits.START_WITHIN_SECONDS + 1)
    await scheduler.hear(returned(11, 4))
    (expired,) = await scheduler.expired()
    assert (expired.run_id, expired.reason) == (11, limits.NO_ROOM)
    assert await scheduler.value("SELECT count(*) FROM requests") == 0


async def test_a_successor_waits_for_the_start_of_a_run_that_came_back(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, stagger_seconds=5)
    await dispatches(scheduler)
    await scheduler.hear(returned(11))
    await scheduler.time_passes(60)
    assert await dispatches(scheduler) == [(11, 2)]
    await scheduler.hear(started(11, batch_id=11))
    assert await dispatches(scheduler) == []
    await scheduler.time_passes(5.1)
    assert await dispatches(scheduler) == [(12, 1)]


async def test_a_returned_run_may_end_all_the_same(scheduler: Scheduler) -> None:
    """An unreadable second dispatch is failed by the caller; an end is an end."""
    await scheduler.accept(11)
    await dispatches(scheduler)
    await scheduler.hear(returned(11), failed(11))
    assert await dispatches(scheduler) == []
    assert await scheduler.value("SELECT in_use FROM orgs") == 0


async def test_a_return_that_cannot_be_read_is_answered_by_another_dispatch_in_the_same_slot(
    scheduler: Scheduler,
) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11)
    await dispatches(scheduler)
    said = await scheduler.ear.hear_garbage(returned(11))
    assert [(one.run_id, one.dispatch_no) for one in of(said, TestCallDispatched)] == [(11, 2)]
    assert await scheduler.value("SELECT in_use FROM orgs") == 1
    await scheduler.hear(returned(11, 1))
    assert await dispatches(scheduler) == [], "only the last dispatch can come back"
    await scheduler.hear(completed(11))
    assert await scheduler.ear.hear_garbage(returned(11)) == []
