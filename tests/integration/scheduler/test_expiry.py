"""What waited too long ends with a sentence, and only that."""

import pytest

from services.scheduler.domain import limits
from shared.events.admissions import TestCallExpired
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import completed, requested, reserved

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
    await scheduler.accept(11)
    await scheduler.time_passes(61)
    await scheduler.accept(12)
    said = await scheduler.tick_and_tell()
    assert [type(one).__name__ for one in said] == ["TestCallExpired", "TestCallDispatched"]


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
