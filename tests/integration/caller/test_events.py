"""State and event are one: what is not said did not happen, and what did not happen is not said."""

import asyncio

import pytest

from services.caller.domain import attempt
from services.caller.domain.attempt import Claimed, Ended
from services.caller.domain.conversation import Conversation
from shared.events.executions import CallStarted, TestCallCompleted
from tests.integration.caller.faults import OutboxIsBroken
from tests.integration.caller.instance import Caller, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

HELD = Conversation((), "caller_hangup", 1_000)


async def a_dialled_run(caller: Caller) -> Claimed:
    """Run 11, dialling."""
    await caller.hear_without_room(dispatched(11))
    (claimed,) = await caller.claims_and_vanishes()
    return claimed


def just_now() -> float:
    """When a call was answered."""
    return asyncio.get_running_loop().time()


def ended(failure: str = "") -> Ended:
    """The end of a call that was answered just now."""
    return Ended(just_now(), HELD, failure)


async def test_a_start_that_cannot_be_said_did_not_happen(caller: Caller) -> None:
    claimed = await a_dialled_run(caller)
    caller.outbox.fails_with = [OutboxIsBroken()]
    assert await caller.stages.start(claimed, dispatched(11), just_now(), None), "it is left to the end"
    assert await caller.status(11) == "dialling"
    assert await caller.value("SELECT started_at FROM attempts") is None
    assert await caller.said() == []
    assert await caller.stages.end(claimed, dispatched(11), ended(), None)
    assert [type(one) for one in await caller.said()] == [CallStarted, TestCallCompleted]


@pytest.mark.parametrize("failure", ["", "The agent did not answer"])
async def test_an_end_that_cannot_be_said_did_not_happen(caller: Caller, failure: str) -> None:
    claimed = await a_dialled_run(caller)
    assert await caller.stages.start(claimed, dispatched(11), just_now(), None)
    end = ended(failure)
    caller.outbox.fails_with = [OutboxIsBroken()]
    with pytest.raises(OutboxIsBroken):
        await caller.stages.end(claimed, dispatched(11), end, None)
    assert await caller.status(11) == "started"
    assert ends_of(await caller.said(), 11) == []
    assert await caller.stages.end(claimed, dispatched(11), end, None)
    assert len(ends_of(await caller.said(), 11)) == 1


async def test_what_cannot_be_said_of_the_overdue_is_found_overdue_again(caller: Caller) -> None:
    await a_dialled_run(caller)
    await caller.leases_run_out()
    caller.outbox.fails_with = [OutboxIsBroken()]
    with pytest.raises(OutboxIsBroken):
        await caller.reap()
    assert await caller.status(11) == "dialling"
    assert await caller.said() == []
    await caller.reap()
    assert failures_of(await caller.said(), 11) == [attempt.LOST]


@pytest.mark.usefixtures("our_side_fails")
async def test_a_call_of_which_nothing_can_be_said_is_found_overdue(caller: Caller, line: Line) -> None:
    caller.outbox.fails_with = [OutboxIsBroken()]
    assert await caller.call(dispatched(11)) == []
    assert await caller.status(11) == "dialling"
    await caller.leases_run_out()
    await caller.reap()
    assert failures_of(await caller.said(), 11) == [attempt.LOST]
    assert line.placed == {11: 1}


async def test_a_call_whose_start_cannot_be_said_goes_on_and_says_it_with_its_end(caller: Caller, line: Line) -> None:
    line.gate.clear()
    await caller.hear(dispatched(11))
    caller.outbox.fails_with = [OutboxIsBroken()]

    async def tried() -> bool:
        return not caller.outbox.fails_with

    await eventually(tried, what="the start was tried")
    assert line.up == [11]
    line.gate.set()
    await caller.idle()
    assert [type(one) for one in await caller.said()] == [CallStarted, TestCallCompleted]


@pytest.mark.usefixtures("our_side_fails")
async def test_a_call_of_which_nothing_can_be_said_does_not_spoil_its_neighbours(caller: Caller) -> None:
    caller.outbox.refuses = {12}
    said = await caller.call(*(dispatched(run_id) for run_id in (11, 12, 13)))
    assert [type(one) for run_id in (11, 13) for one in ends_of(said, run_id)] == [TestCallCompleted] * 2
    assert ends_of(said, 12) == []
    caller.outbox.refuses = set()
    await caller.leases_run_out()
    await caller.reap()
    assert failures_of(await caller.said(), 12) == [attempt.LOST]


async def test_a_passing_failure_of_the_outbox_is_tried_again_and_said_once(caller: Caller) -> None:
    caller.outbox.fails_with = [ConnectionResetError(), ConnectionResetError()]
    said = await caller.call(dispatched(11))
    assert [type(one) for one in said] == [CallStarted, TestCallCompleted]


async def test_an_end_cannot_be_written_twice(caller: Caller) -> None:
    claimed = await a_dialled_run(caller)
    assert await caller.stages.end(claimed, dispatched(11), ended(), None)
    assert not await caller.stages.end(claimed, dispatched(11), ended("It broke"), None)
    assert [type(one) for one in await caller.said()] == [CallStarted, TestCallCompleted]


async def test_a_start_cannot_be_written_twice(caller: Caller) -> None:
    claimed = await a_dialled_run(caller)
    assert await caller.stages.start(claimed, dispatched(11), just_now(), None)
    assert not await caller.stages.start(claimed, dispatched(11), just_now(), None)
    assert len(await caller.said()) == 1
