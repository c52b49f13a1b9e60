"""Several instances share the work: each run is called once, and nobody sits on what another could do."""

import asyncio

import pytest

from shared.events.executions import TestCallCompleted
from tests.integration.caller.instance import Callers, dispatched
from tests.integration.caller.line import Line
from tests.support.some_events import of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

RUNS = range(100, 180)


async def test_of_many_waiting_runs_each_is_called_once_whoever_claims(callers: Callers, line: Line) -> None:
    first, second, third = [await callers.another() for _ in range(3)]
    await first.hear_without_room(*(dispatched(run_id) for run_id in RUNS))
    while await first.value("SELECT count(*) FROM attempts WHERE status = 'waiting'"):
        await asyncio.gather(*(one.claim() for one in (first, second, third)))
    for one in (first, second, third):
        await one.idle()
    assert line.placed == dict.fromkeys(RUNS, 1)
    assert sorted(one.run_id for one in of(await first.said(), TestCallCompleted)) == list(RUNS)


async def test_a_full_instance_leaves_the_rest_to_another(callers: Callers, line: Line) -> None:
    small, other = await callers.another(calls_limit=3), await callers.another()
    line.gate.clear()
    await small.hear(*(dispatched(run_id) for run_id in RUNS))
    for _ in range(3):
        await small.claim()
    assert len(small.worker.held) == 3
    assert await small.value("SELECT count(*) FROM attempts WHERE status = 'waiting'") == len(RUNS) - 3
    await other.claim()
    assert len(other.worker.held) == 50, "as much as it has room for"
    line.gate.set()
    await small.idle()
    await other.idle()
    await small.claim()
    assert len(small.worker.held) == 3, "there is room again"
    await small.idle()
    assert 0 < line.max_up <= 53


async def test_the_oldest_runs_are_claimed_first(callers: Callers, line: Line) -> None:
    caller = await callers.another(calls_limit=2)
    for run_id in (30, 20, 10):
        await caller.hear_without_room(dispatched(run_id))
    line.gate.clear()
    await caller.claim()
    await eventually(line.is_up(30, 20), what="the first two are up")
    assert await caller.status(10) == "waiting"


async def test_a_worker_that_runs_for_ever_finds_what_another_heard_and_goes_on_when_there_is_room(
    callers: Callers, line: Line
) -> None:
    deaf, hearing = await callers.another(calls_limit=2), await callers.another()
    working = asyncio.create_task(deaf.worker.claims.claim_for_ever())
    await hearing.hear_without_room(*(dispatched(run_id) for run_id in RUNS[:10]))

    async def all_called() -> bool:
        return len(line.placed) == 10

    await eventually(all_called, what="all ten are called, two at a time")
    assert line.max_up <= 2
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await deaf.idle()


async def test_what_others_lock_is_left_alone(callers: Callers) -> None:
    first = await callers.another()
    await first.hear_without_room(dispatched(1), dispatched(2))
    async with first.database.transaction() as other:
        await other.run("SELECT 1 FROM attempts WHERE run_id = 1 FOR UPDATE")
        await asyncio.wait_for(first.claim(), timeout=5)
        assert await first.status(1) == "waiting"
    await first.idle()
    assert await first.status(2) == "completed"
