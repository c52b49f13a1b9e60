"""A run that is to be canceled: what waits expires at once, what is dispatched is passed on, nothing goes out after."""

import pytest

from services.scheduler.domain import limits
from shared.events.admissions import CancelPassedOn, TestCallDispatched, TestCallExpired
from shared.events.event import Event
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import (
    cancel_requested,
    completed,
    declined,
    failed,
    of,
    requested,
    reserved,
    returned,
    started,
)

pytestmark = pytest.mark.integration

NOTHING_LEFT = """
SELECT (SELECT count(*) FROM runs WHERE status <> 'ended') + (SELECT count(*) FROM requests)
     + (SELECT sum(in_use) FROM orgs)
"""


def told(events: list[Event]) -> list[tuple[str, int]]:
    """What was said of which run."""
    kinds = {TestCallDispatched: "dispatched", TestCallExpired: "expired", CancelPassedOn: "passed on"}
    return [(kinds[type(one)], getattr(one, "run_id", 0)) for one in events if type(one) in kinds]


async def test_a_run_that_waits_for_its_funds_expires_and_the_answer_that_comes_then_starts_nothing(
    scheduler: Scheduler,
) -> None:
    await scheduler.hear(requested(11))
    await scheduler.hear(cancel_requested(11))
    (expired,) = of(scheduler.moved(), TestCallExpired)
    assert (expired.run_id, expired.reason) == (11, "Canceled")
    await scheduler.hear(reserved(11))
    assert told(await scheduler.tick_and_tell()) == []
    assert await scheduler.value(NOTHING_LEFT) == 0


async def test_a_cancel_in_the_same_poll_as_its_request_and_the_funds_starts_nothing(scheduler: Scheduler) -> None:
    await scheduler.hear(cancel_requested(11), reserved(11), requested(11))
    assert told(scheduler.moved()) == [("expired", 11)]
    await scheduler.hear(requested(12), cancel_requested(12), declined(12))
    assert told(await scheduler.tick_and_tell()) == [("expired", 12)]
    assert await scheduler.value(NOTHING_LEFT) == 0


async def test_a_queued_run_expires_and_the_next_has_its_turn(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    for run_id in (11, 12, 13):
        await scheduler.accept(run_id)
    assert told(scheduler.moved()) == [("dispatched", 11)]
    await scheduler.hear(cancel_requested(12))
    assert told(scheduler.moved()) == [("expired", 12)]
    await scheduler.hear(completed(11))
    assert told(scheduler.moved()) == [("dispatched", 13)]


async def test_a_dispatched_run_is_passed_on_and_keeps_its_slot_until_it_has_ended(scheduler: Scheduler) -> None:
    await scheduler.accept(11)
    scheduler.moved()
    await scheduler.hear(cancel_requested(11))
    assert told(scheduler.moved()) == [("passed on", 11)]
    assert await scheduler.value("SELECT in_use FROM orgs") == 1
    await scheduler.hear(failed(11))
    assert await scheduler.value(NOTHING_LEFT) == 0


async def test_a_canceled_run_that_no_worker_had_room_for_expires_when_it_comes_back(scheduler: Scheduler) -> None:
    await scheduler.accept(11)
    await scheduler.hear(cancel_requested(11))
    scheduler.moved()
    await scheduler.hear(returned(11))
    (expired,) = of(await scheduler.tick_and_tell(), TestCallExpired)
    assert (expired.run_id, expired.reason) == (11, limits.CANCELED)
    assert await scheduler.value(NOTHING_LEFT) == 0


async def test_a_return_and_a_cancel_in_one_poll_dispatch_nothing(scheduler: Scheduler) -> None:
    await scheduler.accept(11)
    scheduler.moved()
    await scheduler.hear(returned(11), cancel_requested(11))
    assert ("expired", 11) in told(scheduler.moved())
    assert told(await scheduler.tick_and_tell()) == []
    assert await scheduler.value(NOTHING_LEFT) == 0


async def test_a_canceled_run_whose_return_nobody_can_read_is_dispatched_and_canceled_once_more(
    scheduler: Scheduler,
) -> None:
    await scheduler.accept(11)
    await scheduler.hear(cancel_requested(11))
    scheduler.moved()
    said = await scheduler.ear.hear_garbage(returned(11))
    scheduler.ear.dead.clear()
    assert told(said) == [("dispatched", 11), ("passed on", 11)]


async def test_twice_or_late_or_of_a_stranger_a_cancel_changes_nothing(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11)
    await scheduler.accept(12)
    scheduler.moved()
    await scheduler.hear(cancel_requested(12), cancel_requested(12), cancel_requested(99))
    await scheduler.hear(cancel_requested(12))
    assert told(scheduler.moved()) == [("expired", 12)]
    await scheduler.hear(completed(11))
    await scheduler.hear(cancel_requested(11))
    assert told(await scheduler.tick_and_tell()) == []
    assert await scheduler.value("SELECT count(*) FROM ended_early") == 0


async def test_an_unreadable_cancel_cancels_by_its_headers_alone(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11)
    await scheduler.accept(12)
    scheduler.moved()
    for run_id in (11, 12):
        scheduler.not_told += await scheduler.ear.hear_garbage(cancel_requested(run_id))
    scheduler.ear.dead.clear()
    assert sorted(told(scheduler.moved())) == [("expired", 12), ("passed on", 11)]


async def test_in_a_staggered_batch_the_successor_of_a_canceled_run_still_goes_out(scheduler: Scheduler) -> None:
    await scheduler.accept(11, 12, 13, stagger_seconds=5)
    assert told(scheduler.moved()) == [("dispatched", 11)]
    await scheduler.hear(cancel_requested(12))
    assert told(scheduler.moved()) == [("expired", 12)]
    await scheduler.hear(started(11, batch_id=11))
    await scheduler.time_passes(10)
    assert told(await scheduler.tick_and_tell()) == [("dispatched", 13)]


async def test_a_whole_batch_is_canceled_in_one_poll(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1))
    await scheduler.accept(11, 12, 13, stagger_seconds=5)
    scheduler.moved()
    await scheduler.hear(*(cancel_requested(run_id) for run_id in (11, 12, 13)))
    assert sorted(told(scheduler.moved())) == [("expired", 12), ("expired", 13), ("passed on", 11)]
    await scheduler.hear(failed(11))
    assert told(await scheduler.tick_and_tell()) == []
    assert await scheduler.value(NOTHING_LEFT) == 0
