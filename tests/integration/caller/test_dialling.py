"""`dialling` is committed before the first contact: until then a run may be called by another, afterwards by nobody."""

import asyncio

import asyncpg
import pytest

from services.caller.domain import attempt, conversation, limits
from services.caller.domain.attempt import Claimed
from services.caller.domain.turn import PartyError
from shared.events.executions import TestCallCompleted, TestCallFailed
from tests.integration.caller.faults import waits_for_a_lock
from tests.integration.caller.instance import Caller, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of, starts_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

OWN_SECONDS = limits.LEASE_SECONDS - limits.LEASE_MARGIN_SECONDS


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
    """One of before: it claimed, and dialled in another commit."""
    await caller.hear_without_room(dispatched(11))
    await caller.claims_as_workers_of_before_did()
    await caller.claim()
    assert len(caller.worker.held) == 0, "it has an owner"
    await caller.leases_run_out()
    await caller.reap()
    assert await caller.status(11) == "waiting"
    said = await caller.call()
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    assert line.placed == {11: 1}


async def vanished_in(caller: Caller, status: str) -> Claimed:
    """A run whose worker is gone, in dialling or started."""
    await caller.hear_without_room(dispatched(11))
    (claimed,) = await caller.claims_and_vanishes()
    if status == "started":
        assert await caller.stages.start(claimed, dispatched(11), asyncio.get_running_loop().time(), None)
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


@pytest.mark.parametrize(
    ("starts_within_seconds", "passes_seconds"),
    [(5.0, 5.0), (60.0, OWN_SECONDS)],
    ids=["its time to start passed", "its lease ran out"],
)
@pytest.mark.parametrize("waits", [True, False], ids=["claimed", "heard"])
async def test_what_is_come_to_too_late_is_not_dialled_and_put_back(
    caller: Caller,
    line: Line,
    onlooker: asyncpg.Connection,
    starts_within_seconds: float,
    passes_seconds: float,
    waits: bool,
) -> None:
    dispatch = dispatched(11, starts_within_seconds=starts_within_seconds)
    if waits:
        await caller.hear_without_room(dispatch)
    async with onlooker.transaction():
        await onlooker.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        taking = asyncio.create_task(caller.claim() if waits else caller.hear(dispatch))
        await eventually(lambda: waits_for_a_lock(onlooker), what="it is being taken")
        caller.clock.now += passes_seconds  # here; the database sees it in time, and says so late
    await taking
    await caller.idle()
    assert await caller.status(11) == "waiting"
    assert line.placed == {}
    assert [type(one) for one in ends_of(await caller.call(), 11)] == [TestCallCompleted], "its prompt is still known"


async def test_of_many_that_claim_one_attempt_one_gets_it(caller: Caller) -> None:
    await caller.hear_without_room(dispatched(11))
    claims = await asyncio.gather(*(caller.claims_and_vanishes() for _ in range(3)))
    assert sorted(len(claimed) for claimed in claims) == [0, 0, 1]


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
