"""PostgreSQL is away for a while, or its answer to a commit gets lost: no second call, no second end, no late call."""

import asyncio
from contextlib import suppress

import pytest

from services.caller.domain import attempt, limits
from services.caller.edges.db.arriving import Arriving
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.ports import Dispatch
from shared.db.transaction import Transaction
from shared.events.executions import CallStarted, TestCallCompleted
from shared.messaging.offsets import StaleConsumer
from tests.integration.caller.faults import UnreliableDatabase
from tests.integration.caller.instance import Caller, Callers, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


TAKES = ("heard", "claimed")


async def take(caller: Caller, how: str) -> None:
    """Take run 11."""
    await (caller.hear(dispatched(11)) if how == "heard" else caller.claim())


async def becomes(caller: Caller, status: str) -> None:
    """Wait until run 11 is so."""

    async def is_so() -> bool:
        return await caller.status(11) == status

    await eventually(is_so, what=status)


@pytest.mark.parametrize("how", TAKES)
async def test_what_nobody_knows_to_be_taken_is_not_called_and_is_put_back_at_once(
    callers: Callers, line: Line, unreliable: UnreliableDatabase, how: str
) -> None:
    caller, other = await callers.another(database=unreliable, calls_limit=1), await callers.another()
    if how == "claimed":
        await caller.hear_without_room(dispatched(11))
    unreliable.loses_the_next_answer = True
    with pytest.raises(ConnectionResetError):
        await take(caller, how)
    assert not unreliable.loses_the_next_answer, "it was lost"
    await becomes(caller, "waiting")
    assert (line.placed, len(caller.worker.held)) == ({}, 0)
    if how == "heard":
        with pytest.raises(StaleConsumer):  # it was consumed
            await take(caller, how)
    await other.claim()
    await other.idle()
    assert [type(one) for one in ends_of(await other.said(), 11)] == [TestCallCompleted]
    await caller.hear_without_room(dispatched(12))
    await caller.call()
    assert line.placed == {11: 1, 12: 1}, "its room is free again"


@pytest.mark.parametrize("how", TAKES)
async def test_what_was_not_taken_after_all_costs_no_room_and_is_taken_at_the_next_try(
    callers: Callers, line: Line, unreliable: UnreliableDatabase, how: str
) -> None:
    caller = await callers.another(database=unreliable, calls_limit=1)
    if how == "claimed":
        await caller.hear_without_room(dispatched(11))
    unreliable.loses_the_next_commit = True
    with pytest.raises(ConnectionResetError):
        await take(caller, how)
    await caller.worker.taking.undoubted(10.0)
    assert (line.placed, len(caller.worker.held)) == ({}, 0)
    await take(caller, how)
    await caller.idle()
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]
    assert line.placed == {11: 1}


async def test_a_commit_that_goes_through_after_its_line_was_given_up_is_put_back_then(
    caller: Caller, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def is_decided(self: SqlAttempts, xid: str) -> bool:
        nonlocal asked
        asked += 1
        return await ask(self, xid)

    async def asked_again() -> bool:
        return asked >= 2

    ask = SqlAttempts.is_decided
    monkeypatch.setattr(SqlAttempts, "is_decided", is_decided)
    async with caller.database._connected() as slow:
        await slow.execute("BEGIN")
        transaction = Transaction(slow)
        await Arriving(transaction, caller.worker.taking).add([Dispatch(dispatched(11), 1, None)])
        with suppress(ConnectionResetError), transaction.committing():
            raise ConnectionResetError
        transaction.over()
        await eventually(asked_again, what="it is not decided yet")
        await slow.execute("COMMIT")
    await becomes(caller, "waiting")
    said = await caller.call()
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    assert line.placed == {11: 1}


@pytest.mark.parametrize("stage", ["start", "end"])
async def test_an_answer_that_gets_lost_after_a_commit_never_makes_a_second_call_a_second_start_or_a_second_end(
    callers: Callers, line: Line, unreliable: UnreliableDatabase, stage: str
) -> None:
    caller, other = await callers.another(database=unreliable), await callers.another()
    line.gate.clear()
    await caller.hear(dispatched(11))
    if stage == "start":
        unreliable.loses_the_next_answer = True
    await becomes(other, "started")
    if stage == "end":
        unreliable.loses_the_next_answer = True
    line.gate.set()
    await caller.idle()
    assert not unreliable.loses_the_next_answer, "it was lost"
    await other.leases_run_out()
    await other.reap()
    said = await other.call(dispatched(11))
    assert [type(one) for one in said] == [CallStarted, TestCallCompleted]
    assert line.placed == {11: 1}


async def test_an_end_waits_for_the_database(callers: Callers, line: Line, unreliable: UnreliableDatabase) -> None:
    caller = await callers.another(database=unreliable)
    line.gate.clear()
    await caller.hear(dispatched(11))
    await caller.claim()
    await eventually(line.is_up(11))
    unreliable.away = True
    line.gate.set()
    await eventually(line.is_quiet, what="the talk is over")
    assert len(caller.worker.held) == 1, "it is over, and waits to be written down"
    unreliable.away = False
    await caller.idle()
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]


async def test_while_nothing_can_be_renewed_calls_are_hung_up_and_the_heart_beats_on(
    callers: Callers, line: Line, unreliable: UnreliableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", 0.01)
    caller, other = await callers.another(database=unreliable), await callers.another()
    line.gate.clear()
    await caller.hear(dispatched(11))
    await caller.claim()
    await eventually(line.is_up(11))
    unreliable.away = True
    beating = asyncio.create_task(caller.worker.leases.keep_for_ever())
    await caller.clock.is_looked_at()
    caller.clock.now += limits.LEASE_SECONDS - limits.LEASE_MARGIN_SECONDS
    await eventually(line.is_quiet, what="the line is quiet")
    assert not beating.done()
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    await other.leases_run_out()
    await other.reap()
    unreliable.away = False
    await caller.idle()
    assert failures_of(await other.said(), 11) == [attempt.LOST]
