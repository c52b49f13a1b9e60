"""`dialling` is committed before the first contact: until then a run may be called by another, afterwards by nobody."""

import asyncio

import asyncpg
import pytest

from services.caller.domain import attempt, conversation
from services.caller.domain.attempt import Claimed
from services.caller.domain.turn import PartyError
from shared.events.executions import TestCallCompleted, TestCallFailed, TestCallReturned
from tests.integration.caller.instance import Caller, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of, starts_of

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
async def test_dialling_is_committed_before_the_first_contact(
    caller: Caller, line: Line, onlooker: asyncpg.Connection, direction: str
) -> None:
    seen: list[str] = []

    async def look(run_id: int) -> None:
        seen.append(await onlooker.fetchval("SELECT status FROM attempts WHERE run_id = $1", run_id))

    line.on_contact = look
    await caller.call(dispatched(11, direction=direction))
    assert seen == ["dialling"]


async def test_the_start_is_stamped_after_the_first_contact(
    caller: Caller, line: Line, onlooker: asyncpg.Connection
) -> None:
    contact: list[object] = []

    async def look(run_id: int) -> None:
        contact.append(await onlooker.fetchval("SELECT clock_timestamp()"))

    line.on_contact = look
    (started,) = starts_of(await caller.call(dispatched(11)), 11)
    assert contact[0] <= started.started_at  # type: ignore[operator]


async def test_a_worker_that_vanished_before_dialling_leaves_the_run_to_another(caller: Caller, line: Line) -> None:
    await caller.hear(dispatched(11))
    (claimed,) = await caller.claims_and_vanishes()
    await caller.claim()
    assert len(caller.worker.held) == 0, "it has an owner"
    await caller.leases_run_out()
    await caller.reap()
    assert await caller.status(11) == "waiting"
    said = await caller.call()
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    assert line.placed == {11: 1}
    assert not await caller.stages.dial(claimed), "should the first one come back, it is too late"


async def vanished_in(caller: Caller, status: str) -> Claimed:
    """A run whose worker is gone, in dialling or started."""
    await caller.hear(dispatched(11))
    (claimed,) = await caller.claims_and_vanishes()
    assert await caller.stages.dial(claimed)
    if status == "started":
        assert await caller.stages.start(claimed, dispatched(11), None)
    return claimed


@pytest.mark.parametrize("status", ["dialling", "started"])
async def test_a_worker_that_vanished_after_dialling_means_failed_and_nobody_calls_again(
    caller: Caller, line: Line, status: str
) -> None:
    claimed = await vanished_in(caller, status)
    await caller.leases_run_out()
    await caller.reap()
    await caller.reap()
    said = await caller.call(dispatched(11))
    (failed,) = ends_of(said, 11)
    assert isinstance(failed, TestCallFailed)
    assert failed.error_message == attempt.LOST == "The caller was lost during the call"
    assert failed.call_id == (claimed.call_id if status == "started" else None)
    assert (failed.started_at is not None, failed.org_id) == (status == "started", 1)
    assert line.placed == {}


@pytest.mark.parametrize("status", ["dialling", "started"])
async def test_as_long_as_a_lease_holds_nobody_takes_the_run_away(caller: Caller, status: str) -> None:
    await vanished_in(caller, status)
    await caller.reap()
    await caller.claim()
    assert await caller.status(11) == status
    assert ends_of(await caller.said(), 11) == []


async def test_a_run_whose_time_passed_after_it_was_claimed_is_not_dialled(caller: Caller, line: Line) -> None:
    await caller.hear(dispatched(11))
    (claimed,) = await caller.claims_and_vanishes()
    await caller.start_passes(11)
    assert not await caller.stages.dial(claimed)
    await caller.leases_run_out()
    await caller.reap()
    assert [type(one) for one in await caller.said()] == [TestCallReturned]
    assert line.placed == {}


async def test_a_lease_that_ran_out_before_dialling_does_not_dial(caller: Caller) -> None:
    await caller.hear(dispatched(11))
    (claimed,) = await caller.claims_and_vanishes()
    await caller.leases_run_out()
    assert not await caller.stages.dial(claimed)


async def test_of_many_that_dial_one_attempt_one_may(caller: Caller) -> None:
    await caller.hear(dispatched(11))
    (claimed,) = await caller.claims_and_vanishes()
    answers = [await caller.stages.dial(claimed) for _ in range(3)]
    assert answers == [True, False, False]


async def test_a_party_that_cannot_be_reached_is_a_failed_run_without_a_call(caller: Caller, line: Line) -> None:
    async def unreachable(run_id: int) -> None:
        raise PartyError("The agent's endpoint could not be reached")

    line.on_contact = unreachable
    (failed,) = await caller.call(dispatched(11))
    assert isinstance(failed, TestCallFailed)
    assert failed.error_message == "The agent's endpoint could not be reached"
    assert (failed.call_id, failed.started_at, failed.duration_seconds) == (None, None, None)


@pytest.mark.usefixtures("our_side_fails")
async def test_a_fault_of_ours_in_a_call_fails_the_run_once(caller: Caller, line: Line) -> None:
    line.last_words[11] = RuntimeError("the prompt is a secret")
    said = await caller.call(dispatched(11), dispatched(12))
    assert failures_of(said, 11) == [attempt.INTERNAL]
    (failed,) = ends_of(said, 11)
    assert [turn.content for turn in failed.transcript] == ["Hello, how can I help you?"], "what was said until then"
    assert failed.duration_seconds == 2, "as long as it took to say it"
    assert [type(one) for one in ends_of(said, 12)] == [TestCallCompleted], "its neighbour goes on"


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
async def test_an_agent_that_answers_as_late_as_it_may_is_called_and_one_that_is_later_is_not(
    caller: Caller, line: Line, monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    monkeypatch.setattr(conversation, "RING_LIMIT_SECONDS", 2.0)
    takes_seconds = {11: 1.5, 12: 60.0}

    async def take_time(run_id: int) -> None:
        await asyncio.sleep(takes_seconds[run_id])

    line.on_contact = take_time
    loop = asyncio.get_running_loop()
    began = loop.time()
    said = await caller.call(*(dispatched(run_id, direction=direction) for run_id in (11, 12)))
    assert loop.time() - began < 2.0 + 5.0, "the ringing, and what it takes to write it down"
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    assert failures_of(said, 12) == ["The agent did not answer"]
    assert starts_of(said, 12) == [], "nobody answered: it was no call"
