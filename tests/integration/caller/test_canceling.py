"""A run that is to be canceled and was dispatched: whoever has it hangs up, it fails once, and nobody calls again."""

import asyncio

import pytest

from services.caller.domain import attempt
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed, TestCallReturned
from tests.integration.caller.instance import Caller, Callers, about_to_dial, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.some_events import cancel_passed_on, of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

HANG_UP_SECONDS = 10


async def up(caller: Caller, line: Line, *run_ids: int) -> None:
    """Let calls be up until the gate opens."""
    line.gate.clear()
    await caller.hear(*(dispatched(run_id) for run_id in run_ids))
    await caller.claim()
    await eventually(line.is_up(*run_ids))
    await caller.has_started(*run_ids)


async def test_a_call_that_is_up_is_hung_up_and_keeps_what_was_said(caller: Caller, line: Line) -> None:
    await up(caller, line, 11, 12)
    await caller.hear(cancel_passed_on(11))
    await eventually(lambda: hung_up(caller, 11), within_seconds=HANG_UP_SECONDS)
    line.gate.set()
    await caller.idle()
    said = await caller.said()
    (failed,) = of(ends_of(said, 11), TestCallFailed)
    assert failed.error_message == "Canceled"
    assert failed.started_at is not None
    assert failed.duration_seconds is not None
    assert failed.transcript
    assert [type(one) for one in ends_of(said, 12)] == [TestCallCompleted], "its neighbour goes on"


async def hung_up(caller: Caller, run_id: int) -> bool:
    """Whether a run's call is not held any more."""
    return run_id not in {held.claimed.run_id for held in caller.worker.held}


async def test_a_call_that_another_instance_holds_is_hung_up_with_its_next_renewal(
    callers: Callers, line: Line
) -> None:
    holding, hearing = await callers.another(), await callers.another()
    await up(holding, line, 11)
    await hearing.hear(cancel_passed_on(11))
    assert not await hung_up(holding, 11)
    await holding.worker.leases.renew_once()
    await eventually(lambda: hung_up(holding, 11), within_seconds=HANG_UP_SECONDS)
    assert failures_of(await holding.said(), 11) == [attempt.CANCELED]


async def test_what_waits_fails_at_once_and_is_never_called(caller: Caller, line: Line) -> None:
    await caller.hear_without_room(dispatched(11))
    await caller.hear(cancel_passed_on(11))
    assert failures_of(await caller.said(), 11) == [attempt.CANCELED]
    await caller.claim()
    await caller.idle()
    assert line.placed[11] == 0


async def test_a_cancel_in_the_same_poll_as_its_dispatch_calls_nobody(caller: Caller, line: Line) -> None:
    await caller.hear(dispatched(11), cancel_passed_on(11))
    await caller.idle()
    assert line.placed[11] == 0
    said = await caller.said()
    assert failures_of(said, 11) == [attempt.CANCELED]
    assert of(said, CallStarted) == []


async def test_what_the_agent_has_not_heard_of_fails_and_is_not_put_back(caller: Caller, line: Line) -> None:
    gate = await about_to_dial(caller)
    await caller.hear(cancel_passed_on(11))
    gate.set()
    await caller.idle()
    assert line.placed[11] == 0
    assert failures_of(await caller.said(), 11) == [attempt.CANCELED]
    assert await caller.status(11) == "failed"


async def test_a_lost_owner_is_followed_by_the_reaper_which_says_that_it_was_canceled(
    callers: Callers, line: Line
) -> None:
    dying, other = await callers.another(mortal=True), await callers.another()
    await up(dying, line, 11)
    await other.hear(cancel_passed_on(11))
    dying.dies()
    await other.leases_run_out(11)
    await other.reap()
    assert failures_of(await other.said(), 11) == [attempt.CANCELED]


async def test_what_was_put_back_after_a_cancel_is_called_by_nobody_and_goes_back_to_the_scheduler(
    callers: Callers, line: Line
) -> None:
    """Its worker did not know yet: it was canceled where another instance heard of it."""
    going, other = await callers.another(), await callers.another()
    gate = await about_to_dial(going)
    await other.hear(cancel_passed_on(11))
    next(iter(going.worker.held)).lease.lost()
    gate.set()
    await going.idle()
    line.slow_to_dial = False
    await other.claim()
    await other.idle()
    await other.reap()
    said = await other.said()
    assert line.placed[11] == 0
    assert [one.run_id for one in of(said, TestCallReturned)] + failures_of(said, 11)


async def test_a_cancel_that_comes_late_twice_or_of_a_stranger_changes_nothing(caller: Caller, line: Line) -> None:
    await caller.call(dispatched(11))
    await caller.hear(cancel_passed_on(11), cancel_passed_on(11), cancel_passed_on(99))
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]
    await up(caller, line, 12)
    await caller.hear(cancel_passed_on(12), cancel_passed_on(12))
    await caller.hear(cancel_passed_on(12))
    await caller.idle()
    assert failures_of(await caller.said(), 12) == [attempt.CANCELED]
    assert await caller.status(99) is None


async def test_what_was_given_back_is_the_schedulers_to_end(caller: Caller) -> None:
    await caller.hear_without_room(dispatched(11, dispatch_no=1))
    await caller.start_passes(11)
    await caller.reap()
    await caller.hear(cancel_passed_on(11))
    said = await caller.said()
    assert failures_of(said, 11) == []
    assert len(of(said, TestCallReturned)) == 1


async def test_an_unreadable_cancel_cancels_by_its_headers_alone(caller: Caller, line: Line) -> None:
    await up(caller, line, 11)
    caller.told += await caller.ear.hear_garbage(cancel_passed_on(11))
    caller.ear.dead.clear()
    async with asyncio.timeout(HANG_UP_SECONDS):
        await caller.idle()
    assert failures_of(await caller.said(), 11) == [attempt.CANCELED]
