"""A dispatch that no worker had room for goes back, undialled; a later one counts, an older one does not."""

import pytest

from services.caller.domain import attempt
from shared.events.executions import TestCallCompleted, TestCallReturned
from tests.integration.caller.instance import Caller, Callers, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.some_events import of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def a_returned_run(caller: Caller) -> None:
    """Run 11, given back."""
    await caller.hear(dispatched(11, starts_within_seconds=-1, batch_id=7))
    await caller.claim()
    await caller.reap()
    assert await caller.status(11) == "returned"


async def returns(caller: Caller) -> list[int]:
    """The numbers of the dispatches of run 11 that were given back."""
    return [one.dispatch_no for one in of(await caller.said(), TestCallReturned)]


async def test_a_run_past_its_start_is_given_back_once_and_never_dialled(caller: Caller, line: Line) -> None:
    await a_returned_run(caller)
    await caller.reap()
    (returned,) = await caller.call()
    assert isinstance(returned, TestCallReturned)
    assert (returned.run_id, returned.org_id, returned.batch_id, returned.dispatch_no) == (11, 1, 7, 1)
    assert line.placed == {}
    assert await caller.value("SELECT dispatch FROM attempts") is None, "the prompt is not kept"


async def test_a_later_dispatch_of_a_returned_run_is_called(caller: Caller, line: Line) -> None:
    await a_returned_run(caller)
    said = await caller.call(dispatched(11, dispatch_no=2))
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    assert line.placed == {11: 1}


async def test_an_older_dispatch_of_a_returned_run_is_not_called_and_is_given_back_again(
    caller: Caller, line: Line
) -> None:
    await caller.hear(dispatched(11, starts_within_seconds=-1, dispatch_no=3))
    await caller.reap()
    await caller.call(dispatched(11, dispatch_no=1), dispatched(11, dispatch_no=3))
    assert await returns(caller) == [3, 3], "a scheduler that was rebuilt learns how far the numbers had come"
    assert line.placed == {}


async def test_of_two_dispatches_in_one_poll_the_later_one_counts(caller: Caller, line: Line) -> None:
    said = await caller.call(dispatched(11, dispatch_no=2), dispatched(11, starts_within_seconds=-1, dispatch_no=1))
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    assert line.placed == {11: 1}


@pytest.mark.parametrize("dispatch_no", [1, 2, 3])
async def test_no_dispatch_makes_a_second_call(caller: Caller, line: Line, dispatch_no: int) -> None:
    await a_returned_run(caller)
    said = await caller.call(dispatched(11, dispatch_no=2))
    assert await caller.call(dispatched(11, dispatch_no=dispatch_no)) == said, "it has ended"
    assert line.placed == {11: 1}


async def test_a_later_dispatch_during_the_call_changes_nothing(caller: Caller, line: Line) -> None:
    line.gate.clear()
    await caller.hear(dispatched(11))
    await caller.claim()
    await eventually(line.is_up(11))
    await caller.hear(dispatched(11, dispatch_no=2))
    await caller.claim()
    line.gate.set()
    await caller.idle()
    assert line.placed == {11: 1}
    assert len(ends_of(await caller.said(), 11)) == 1


async def test_a_later_dispatch_of_a_run_that_still_waits_gives_it_more_time(caller: Caller, line: Line) -> None:
    await caller.hear(dispatched(11, starts_within_seconds=-1))
    await caller.hear(dispatched(11, dispatch_no=2))
    await caller.reap()
    assert await returns(caller) == []
    await caller.call()
    assert line.placed == {11: 1}


async def test_a_full_caller_gives_back_what_it_could_not_take_and_keeps_what_it_calls(
    callers: Callers, line: Line
) -> None:
    caller = await callers.another(calls_limit=1)
    line.gate.clear()
    await caller.hear(dispatched(11), dispatched(12), dispatched(13))
    await caller.claim()
    await eventually(line.is_up(11))
    await caller.start_passes(12)
    await caller.start_passes(13)
    await caller.reap()
    assert sorted(one.run_id for one in of(await caller.said(), TestCallReturned)) == [12, 13]
    line.gate.set()
    await caller.idle()
    assert line.placed == {11: 1}


async def test_a_claim_that_came_too_late_is_given_back(callers: Callers, line: Line) -> None:
    """Claimed in time by a worker of before, which vanished before it dialled."""
    caller = await callers.another()
    await caller.hear_without_room(dispatched(11))
    await caller.claims_as_workers_of_before_did()
    await caller.start_passes(11)
    await caller.leases_run_out()
    await caller.reap()
    assert await returns(caller) == [1]


async def test_an_unreadable_later_dispatch_fails_the_run_that_was_returned(caller: Caller, line: Line) -> None:
    await a_returned_run(caller)
    caller.told += await caller.ear.hear_garbage(dispatched(11, dispatch_no=2))
    said = await caller.call(dispatched(11, dispatch_no=3))
    assert failures_of(said, 11) == [attempt.UNREADABLE], "nobody else would end it"
    assert line.placed == {}
