"""What becomes of a dispatch: one attempt, or one failure with a sentence, however often it is heard."""

import pytest

from services.caller.domain import attempt
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed
from tests.integration.caller.instance import Caller, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.some_events import of

pytestmark = pytest.mark.integration


async def test_a_dispatched_run_is_called_and_completed(caller: Caller, line: Line) -> None:
    started, completed = await caller.call(dispatched(11, batch_id=5))
    assert isinstance(started, CallStarted)
    assert isinstance(completed, TestCallCompleted)
    assert (started.run_id, started.batch_id, started.call_id) == (11, 5, completed.call_id)
    assert started.started_at == completed.started_at <= completed.ended_at
    assert [(turn.role, turn.content) for turn in completed.transcript] == [
        ("assistant", "Hello, how can I help you?"),
        ("user", "Thank you, goodbye."),
    ]
    assert (completed.end_reason, line.placed[11]) == ("caller_hangup", 1)
    assert await caller.status(11) == "completed"


async def test_the_caller_gives_odd_call_ids(caller: Caller) -> None:
    said = await caller.call(dispatched(11), dispatched(12), dispatched(13))
    assert all(one.call_id % 2 == 1 for one in of(said, CallStarted))
    assert len({one.call_id for one in of(said, CallStarted)}) == 3


async def test_a_dispatch_heard_twice_in_one_poll_or_later_makes_one_call(caller: Caller, line: Line) -> None:
    await caller.call(dispatched(11), dispatched(11))
    said = await caller.call(dispatched(11))
    assert line.placed == {11: 1}
    assert len(said) == 2
    assert caller.ear.dead == [], "a duplicate is nothing to bury"


async def test_a_run_past_its_start_is_failed_if_its_scheduler_takes_nothing_back(caller: Caller, line: Line) -> None:
    """One of before: it leaves `dispatch_no` out."""
    of_before = dispatched(11, starts_within_seconds=-1).model_dump_json(exclude={"dispatch_no"}).encode()
    assert await caller.ear.hear_garbage(dispatched(11), of_before) == []
    await caller.claim()
    await caller.reap()
    await caller.reap()
    (failed,) = await caller.said()
    assert isinstance(failed, TestCallFailed)
    assert failed.error_message == attempt.EXPIRED == "The call could not be started in time"
    assert (failed.org_id, failed.call_id, failed.started_at) == (1, None, None)
    assert await caller.call(dispatched(11)) == [failed]
    assert line.placed == {}


async def test_a_run_over_sip_is_failed_at_once_and_once(caller: Caller, line: Line) -> None:
    said = await caller.call(dispatched(11, mode="sip"), dispatched(12))
    assert failures_of(said, 11) == [attempt.NO_SIP]
    assert [type(one) for one in ends_of(said, 12)] == [TestCallCompleted], "its neighbour is called"
    assert failures_of(await caller.call(dispatched(11, mode="sip")), 11) == [attempt.NO_SIP]
    assert line.placed == {12: 1}


async def test_an_unreadable_dispatch_fails_its_run_once(caller: Caller, line: Line) -> None:
    (failed,) = await caller.ear.hear_garbage(dispatched(11))
    assert isinstance(failed, TestCallFailed)
    assert (failed.run_id, failed.org_id, failed.error_message) == (11, None, attempt.UNREADABLE)
    assert await caller.ear.hear_garbage(dispatched(11)) == []
    assert await caller.call(dispatched(11)) == [], "its end was told: nobody calls any more"
    assert line.placed == {}
    assert caller.ear.dead == ["test-call-admissions-dlq"] * 2


async def test_garbage_about_a_run_that_is_known_changes_nothing(caller: Caller) -> None:
    await caller.hear_without_room(dispatched(11))
    assert await caller.ear.hear_garbage(dispatched(11)) == []
    said = await caller.call()
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]


@pytest.mark.usefixtures("our_side_fails")
async def test_a_stored_dispatch_that_cannot_be_read_fails_its_run_at_once_and_no_other(
    caller: Caller, line: Line
) -> None:
    await caller.hear_without_room(dispatched(11), dispatched(12))
    async with caller.database.transaction() as transaction:
        await transaction.run("UPDATE attempts SET dispatch = '{}' WHERE run_id = 11")
    said = await caller.call()
    assert failures_of(said, 11) == [attempt.UNREADABLE]
    assert [type(one) for one in ends_of(said, 12)] == [TestCallCompleted]
    await caller.leases_run_out()
    await caller.reap()
    assert len(await caller.call()) == len(said), "it is not claimed again and again"
    assert line.placed == {12: 1}
