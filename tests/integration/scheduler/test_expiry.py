"""What waited too long ends with a sentence, and only that."""

from datetime import UTC, datetime, timedelta

import pytest

from services.scheduler.domain import limits
from shared.events.admissions import TestCallDispatched, TestCallExpired
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import completed, failed, requested, reserved, started

pytestmark = pytest.mark.integration


async def test_a_run_without_a_slot_expires_and_says_so(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60))
    await scheduler.accept(11)
    await scheduler.accept(12)
    assert await scheduler.tick() == [11]
    await scheduler.time_passes(61)
    (said,) = await scheduler.expired()
    assert (said.run_id, said.reason) == (12, limits.NO_SLOT)
    assert await scheduler.expired() == []
    await scheduler.hear(completed(11))
    assert await scheduler.tick() == [], "an expired run is not dispatched, whatever becomes free"


async def test_a_run_that_billing_never_answered_for_expires(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60), requested(11))
    await scheduler.time_passes(61)
    (said,) = await scheduler.expired()
    assert (said.run_id, said.reason) == (11, limits.NO_FUNDS_ANSWER)
    await scheduler.hear(reserved(11))
    assert await scheduler.tick() == []
    assert await scheduler.value("SELECT count(*) FROM requests") == 0, "nothing is kept of it"


async def test_expiries_are_said_before_dispatches(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60))
    async with scheduler.no_room():
        await scheduler.accept(11)
        await scheduler.time_passes(61)
        await scheduler.accept(12)
    said = await scheduler.tick_and_tell()
    assert [type(one).__name__ for one in said] == ["TestCallExpired", "TestCallDispatched"]


async def test_expiries_are_said_before_dispatches_in_the_poll_that_frees_a_slot_too(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60))
    await scheduler.accept(9)
    await scheduler.accept(11)
    await scheduler.time_passes(61)
    await scheduler.hear(requested(12))
    scheduler.moved()
    await scheduler.hear(completed(9), reserved(12))
    assert [
        (type(one).__name__, one.run_id)
        for one in scheduler.moved()
        if isinstance(one, (TestCallExpired, TestCallDispatched))
    ] == [
        ("TestCallExpired", 11),
        ("TestCallDispatched", 12),
    ]


async def test_funds_whose_confirmation_cannot_be_read_are_given_back(scheduler: Scheduler) -> None:
    await scheduler.hear(requested(11, 12))
    said = await scheduler.ear.hear_garbage(reserved(11, 12))
    assert sorted(one.run_id for one in said if isinstance(one, TestCallExpired)) == [11, 12]
    await scheduler.hear(reserved(11, 12))
    assert await scheduler.tick() == []


async def test_a_running_call_does_not_expire(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60))
    await scheduler.accept(11)
    assert await scheduler.tick() == [11]
    await scheduler.time_passes(3_600)
    assert await scheduler.expired() == []
    assert await scheduler.value("SELECT in_use FROM orgs") == 1


async def test_waiting_for_a_stagger_is_not_waiting_for_a_slot(scheduler: Scheduler) -> None:
    """Twenty runs a minute apart take twenty minutes, however short the queue's patience."""
    runs = range(100, 120)
    await scheduler.hear(slots(5, max_queue_seconds=600))
    await scheduler.accept(*runs, stagger_seconds=60)
    for run_id in runs:
        assert await scheduler.tick() == [run_id]
        await scheduler.hear(started(run_id, batch_id=100))
        assert await scheduler.expired() == []
        await scheduler.time_passes(60.1)
        await scheduler.hear(completed(run_id))


async def test_a_run_that_is_due_waits_for_a_slot_as_long_as_any(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60))
    await scheduler.accept(11, 12, 13, stagger_seconds=30)
    assert await scheduler.tick() == [11]
    await scheduler.time_passes(50)
    await scheduler.hear(started(11, batch_id=11))
    await scheduler.time_passes(30 + 59)
    assert await scheduler.expired() == [], "12 was due 59 s ago, and asked for much earlier"
    await scheduler.time_passes(2)
    assert [(one.run_id, one.reason) for one in await scheduler.expired()] == [(12, limits.NO_SLOT)]
    await scheduler.time_passes(27)
    assert await scheduler.expired() == [], "13 would have been due 30 s after 12"
    await scheduler.time_passes(3)
    assert [(one.run_id, one.reason) for one in await scheduler.expired()] == [(13, limits.NO_SLOT)]


async def test_a_batch_without_any_slot_expires_a_stagger_apart(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(0, max_queue_seconds=60))
    await scheduler.accept(11, 12, 13, stagger_seconds=10)
    await scheduler.time_passes(60.1)
    for run_id in (11, 12, 13):
        assert [one.run_id for one in await scheduler.expired()] == [run_id]
        await scheduler.time_passes(10)
    assert await scheduler.value("SELECT count(*) FROM requests") == 0


async def test_the_successor_of_an_expired_run_takes_the_slot_that_becomes_free(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60))
    await scheduler.accept(9)
    assert await scheduler.tick() == [9]
    await scheduler.accept(11, 12, stagger_seconds=10)
    await scheduler.time_passes(65)
    assert [one.run_id for one in await scheduler.expired()] == [11]
    await scheduler.hear(completed(9))
    assert await scheduler.tick() == [12], "it was due 10 s after 11 was: 55 s ago"


async def test_a_run_whose_predecessor_neither_starts_nor_ends_does_not_wait_for_ever(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(5, max_queue_seconds=60))
    await scheduler.accept(11, 12, 13, stagger_seconds=10)
    assert await scheduler.tick() == [11]
    at_most_seconds = 2 * 60 + 10 + limits.PREDECESSOR_GRACE_SECONDS
    await scheduler.time_passes(at_most_seconds - 1)
    assert await scheduler.expired() == []
    await scheduler.time_passes(1)
    assert [(one.run_id, one.reason) for one in await scheduler.expired()] == [(12, limits.NO_TURN)]
    await scheduler.time_passes(10.1)
    assert await scheduler.tick() == [13]


async def test_a_start_at_an_odd_time_neither_delays_its_successor_nor_takes_its_time(scheduler: Scheduler) -> None:
    await scheduler.hear(slots(5, max_queue_seconds=60))
    await scheduler.accept(11, 12, stagger_seconds=10)
    await scheduler.accept(21, 22, stagger_seconds=10)
    assert sorted(await scheduler.tick()) == [11, 21]
    await scheduler.hear(started(11, batch_id=11, at=datetime.now(UTC) + timedelta(days=9_000)))
    await scheduler.hear(started(21, batch_id=21, at=datetime.now(UTC) - timedelta(days=9_000)))
    assert await scheduler.tick() == [22]
    await scheduler.time_passes(10.1)
    assert await scheduler.tick() == [12]


async def test_the_time_of_a_run_whose_predecessor_ended_without_a_start_runs_from_when_it_is_due(
    scheduler: Scheduler,
) -> None:
    await scheduler.hear(slots(1, max_queue_seconds=60))
    await scheduler.accept(11, 12, stagger_seconds=10)
    assert await scheduler.tick() == [11]
    await scheduler.hear(failed(11))
    await scheduler.accept(9)
    assert await scheduler.tick() == [9]
    await scheduler.time_passes(10 + 59)
    assert await scheduler.expired() == [], "12 was due 59 s ago"
    await scheduler.time_passes(2)
    assert [(one.run_id, one.reason) for one in await scheduler.expired()] == [(12, limits.NO_SLOT)]


async def test_after_a_rebuild_the_rest_of_a_batch_goes_on_behind_what_has_ended(scheduler: Scheduler) -> None:
    await scheduler.hear(completed(11))
    await scheduler.accept(11, 12, 13, stagger_seconds=10)
    assert await scheduler.tick() == [12]
