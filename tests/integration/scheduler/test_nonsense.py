"""Well-formed nonsense is refused at the door; what is stored already harms its own run alone."""

import json

import pytest

from services.scheduler.domain import limits
from shared.events.admissions import TestCallDispatched, TestCallExpired
from shared.events.requests import TestCallRequested
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import of, requested, reserved

pytestmark = pytest.mark.integration

NONSENSE = {
    "its prompt is not there": "UPDATE runs SET prompt_index = 7 WHERE run_id = 11",
    "its prompt is nowhere": "UPDATE runs SET prompt_index = -9 WHERE run_id = 11",
    "its request is of another time": "UPDATE requests SET payload = '{\"request_id\": 11}' WHERE request_id = 11",
    "its request is no JSON": "UPDATE requests SET payload = 'x' WHERE request_id = 11",
    "its request is gone": "DELETE FROM requests WHERE request_id = 11",
}


def with_a_prompt_that_is_not_there(event: TestCallRequested) -> bytes:
    """The event as another producer might write it."""
    fields = json.loads(event.model_dump_json())
    fields["runs"][-1]["prompt_index"] = len(event.prompts)
    return json.dumps(fields).encode()


async def test_a_request_that_points_past_its_prompts_is_refused_and_stops_nobody(scheduler: Scheduler) -> None:
    nonsense = requested(11, 12)
    await scheduler.ear.hear_garbage(nonsense, with_a_prompt_that_is_not_there(nonsense))
    assert scheduler.ear.dead == ["test-call-requests-dlq"], "billing, which refuses it as well, ends its runs"
    await scheduler.accept(21, org_id=2)
    assert await scheduler.tick() == [21]


@pytest.mark.parametrize("harm", NONSENSE.values(), ids=NONSENSE)
async def test_a_stored_run_that_cannot_be_dispatched_expires_and_the_others_go_on(
    scheduler: Scheduler, harm: str
) -> None:
    await scheduler.hear(slots(1, org_id=1), slots(1, org_id=2))
    async with scheduler.no_room():
        await scheduler.accept(11, 12, stagger_seconds=5)
        await scheduler.accept(21, org_id=2)
        async with scheduler.ear.database.transaction() as transaction:
            await transaction.run(harm)
    said = await scheduler.tick_and_tell()
    assert [one.run_id for one in of(said, TestCallDispatched)] == [21]
    (expired,) = of(said, TestCallExpired)
    assert (expired.run_id, expired.org_id, expired.batch_id) == (11, 1, 11)
    assert expired.reason == limits.UNDISPATCHABLE
    assert await scheduler.value("SELECT in_use FROM orgs WHERE org_id = 1") == 0
    await scheduler.time_passes(5.1)
    moved = [one for one in await scheduler.tick_and_tell() if isinstance(one, (TestCallDispatched, TestCallExpired))]
    assert [one.run_id for one in moved] == [12], "its successor's turn comes"


async def test_an_expired_one_of_these_is_not_dispatched_again(scheduler: Scheduler) -> None:
    await scheduler.hear(requested(11))
    async with scheduler.ear.database.transaction() as transaction:
        await transaction.run("DELETE FROM requests")
    await scheduler.hear(reserved(11))
    assert [type(one) for one in scheduler.moved()] == [TestCallExpired], "found out in the poll that would dispatch it"
    await scheduler.hear(reserved(11))
    assert await scheduler.tick_and_tell() == []
