"""An orderly end of a process: calls finish, what was not dialled goes to others, the rest ends with a sentence."""

import asyncio

import asyncpg
import pytest

from services.caller.domain import attempt, limits
from shared.events.executions import TestCallCompleted, TestCallFailed
from shared.process.draining import Wait
from tests.integration.caller.faults import waits_for_a_lock
from tests.integration.caller.instance import Caller, Callers, about_to_dial, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


IMPATIENT_SECONDS = 0.05  # calls have no time to finish


async def up(caller: Caller, line: Line, *run_ids: int) -> None:
    """Let calls be up until the gate opens."""
    line.gate.clear()
    await caller.hear(*(dispatched(run_id) for run_id in run_ids))
    await caller.claim()
    await eventually(line.is_up(*run_ids))


async def test_a_process_without_calls_may_go_at_once(caller: Caller) -> None:
    await asyncio.wait_for(caller.worker.draining.drain(), timeout=1)


async def test_calls_are_finished(caller: Caller, line: Line) -> None:
    await up(caller, line, 11, 12)
    draining = asyncio.create_task(caller.worker.draining.drain())
    line.gate.set()
    await draining
    assert len(caller.worker.held) == 0
    said = await caller.said()
    assert [type(one) for run_id in (11, 12) for one in ends_of(said, run_id)] == [TestCallCompleted] * 2


async def test_nothing_more_is_claimed(callers: Callers, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CLAIM_FALLBACK_SECONDS", 0.01)
    going, staying = await callers.another(), await callers.another()
    working = asyncio.create_task(going.worker.claims.claim_for_ever())
    await going.worker.draining.drain()
    await going.hear(dispatched(11))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(working), timeout=0.2)  # it goes round and claims nothing
    assert await staying.status(11) == "waiting"
    await staying.claim()
    await staying.idle()
    assert line.placed == {11: 1}
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_what_does_not_finish_is_hung_up_says_why_and_keeps_what_was_said(callers: Callers, line: Line) -> None:
    caller = await callers.another(drain_seconds=IMPATIENT_SECONDS)
    await up(caller, line, 11, 12)
    await caller.worker.draining.drain()
    await caller.idle()
    said = await caller.said()
    for run_id in (11, 12):
        (failed,) = ends_of(said, run_id)
        assert isinstance(failed, TestCallFailed)
        assert failed.error_message == attempt.SHUT_DOWN == "The caller was shut down during the call"
        assert failed.started_at is not None
        assert [turn.content for turn in failed.transcript] == ["Hello, how can I help you?"]
        assert failed.duration_seconds is not None
        assert failed.duration_seconds >= 2, "the greeting takes two seconds of the call's own time"
    await eventually(line.is_quiet, what="the line is quiet")


async def test_calls_may_go_on_as_long_as_the_longest_of_them_can(caller: Caller, line: Line) -> None:
    line.gate.clear()
    await caller.hear(dispatched(11, held_minutes=1), dispatched(12, held_minutes=3))
    await caller.claim()
    await eventually(line.is_up(11, 12))
    assert caller.worker.draining.waits_for() == Wait("2 calls up", 3 * 60 + 20 + 10)
    draining = asyncio.create_task(caller.worker.draining.drain())

    async def counts_down() -> bool:
        return 200 < caller.worker.draining.waits_for().at_most_seconds < 3 * 60 + 20 + 10

    await eventually(counts_down)
    assert not draining.done()
    line.gate.set()
    await draining
    assert caller.worker.draining.waits_for() == Wait("0 calls up", 0)


async def test_who_is_told_twice_hangs_up_at_once(caller: Caller, line: Line) -> None:
    await up(caller, line, 11)
    draining = asyncio.create_task(caller.worker.draining.drain())
    caller.worker.draining.hurry()
    await asyncio.wait_for(draining, timeout=10)
    assert failures_of(await caller.said(), 11) == [attempt.SHUT_DOWN]


async def test_what_a_draining_process_heard_is_taken_by_another(callers: Callers, line: Line) -> None:
    going, staying = await callers.another(), await callers.another()
    await up(going, line, 11)
    draining = asyncio.create_task(going.worker.draining.drain())
    await going.hear(dispatched(12))
    await staying.claim()
    await eventually(line.is_up(11, 12), what="the other one calls")
    assert (len(going.worker.held), len(staying.worker.held)) == (1, 1)
    line.gate.set()
    await draining
    await staying.idle()


async def test_leases_are_kept_during_the_drain(caller: Caller, line: Line) -> None:
    await up(caller, line, 11)
    draining = asyncio.create_task(caller.worker.draining.drain())
    for _ in range(4):
        caller.clock.now += limits.HEARTBEAT_SECONDS
        await caller.worker.leases.renew_once()
    await caller.clock.is_looked_at()
    assert line.up == [11]
    line.gate.set()
    await draining
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]


async def test_what_was_not_dialled_is_put_back_for_another(callers: Callers, line: Line) -> None:
    going, staying = await callers.another(drain_seconds=IMPATIENT_SECONDS), await callers.another()
    gate = await about_to_dial(going)
    await going.worker.draining.drain()
    assert await staying.status(11) == "waiting", "at once, not when the lease has run out"
    line.slow_to_dial = False
    said = await staying.call()
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    gate.set()
    await going.idle()
    assert line.placed == {11: 1}, "who put it back does not call after all"
    assert len(ends_of(await staying.said(), 11)) == 1


async def test_some_finish_some_are_put_back_some_are_hung_up(callers: Callers, line: Line) -> None:
    going = await callers.another(drain_seconds=IMPATIENT_SECONDS)
    line.gate.clear()
    gate = await about_to_dial(going, 11)
    await about_to_dial(going, 12)
    gate.set()
    await eventually(line.is_up(11))
    await going.worker.draining.drain()

    async def ended() -> bool:
        return await going.status(11) == "failed"

    await eventually(ended)
    assert await going.status(12) == "waiting"
    assert failures_of(await going.said(), 11) == [attempt.SHUT_DOWN]


async def test_a_claim_that_is_on_its_way_belongs_to_what_is_drained(
    callers: Callers, line: Line, onlooker: asyncpg.Connection
) -> None:
    caller = await callers.another()
    await caller.hear_without_room(dispatched(11))
    async with onlooker.transaction():
        await onlooker.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        claiming = asyncio.create_task(caller.worker.claims.claim_for_ever())
        await eventually(lambda: waits_for_a_lock(onlooker), what="the claim is on its way")
        draining = asyncio.create_task(caller.worker.draining.drain())
        done, _ = await asyncio.wait({draining}, timeout=0.2)
    await draining
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)
    assert not done, "what is claimed after the process was thought to be empty is lost with it"
    assert await caller.status(11) in ("completed", "waiting")
