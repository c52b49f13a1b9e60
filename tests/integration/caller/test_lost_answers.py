"""PostgreSQL is away for a while, or its answer to a commit gets lost: no second call, no second end, no late call."""

import asyncio

import pytest

from services.caller.domain import attempt, limits
from shared.events.executions import TestCallCompleted
from tests.integration.caller.faults import SlowToDial, UnreliableDatabase
from tests.integration.caller.instance import Callers, about_to_dial, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of, starts_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("stage", ["dial", "start", "end"])
async def test_an_answer_that_gets_lost_after_a_commit_never_makes_a_second_call_or_a_second_end(
    callers: Callers, line: Line, unreliable: UnreliableDatabase, stage: str
) -> None:
    caller, other = await callers.another(database=unreliable, around=SlowToDial), await callers.another()

    async def answer_gets_lost(run_id: int) -> None:
        unreliable.loses_the_next_answer = True

    line.gate.clear()
    gate = await about_to_dial(caller)
    if stage == "dial":
        await answer_gets_lost(11)
    if stage == "start":
        line.on_contact = answer_gets_lost
    gate.set()
    if stage == "end":
        await eventually(line.is_up(11))
        await answer_gets_lost(11)
    line.gate.set()
    await caller.idle()
    assert not unreliable.loses_the_next_answer, "it was lost"
    await other.leases_run_out()
    await other.reap()
    said = await other.call(dispatched(11))
    assert len(ends_of(said, 11)) == 1
    assert failures_of(said, 11) == ([] if stage == "end" else [attempt.LOST])
    assert (len(starts_of(said, 11)), line.placed[11]) == {"dial": (0, 0), "start": (1, 1), "end": (1, 1)}[stage]


@pytest.mark.usefixtures("our_side_fails")
async def test_a_call_that_could_not_be_dialled_in_time_is_placed_by_another_and_not_late(
    callers: Callers, line: Line, unreliable: UnreliableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "START_RETRY_SECONDS", 0.1)
    caller, other = await callers.another(database=unreliable, around=SlowToDial), await callers.another()
    gate = await about_to_dial(caller)
    unreliable.away = True
    gate.set()
    await caller.idle()
    unreliable.away = False
    assert (line.placed, await other.status(11)) == ({}, "claimed")
    await other.leases_run_out()
    await other.reap()
    said = await other.call()
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
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
