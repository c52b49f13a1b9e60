"""Slots are free and no worker has room: runs wait, as for a slot, and nobody's burst takes all the room."""

import asyncio

import pytest

from tests.support.books import assert_the_books_balance
from tests.support.far_end import a_far_end
from tests.support.system import Org, System, a_batch, a_call
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

ROOM = 2
AWAY_SECONDS = 40.0  # longer than a dispatch may wait for its start


async def start_all(system: System, **caller: str) -> None:
    """Start the four services."""
    for service in ("api", "scheduler", "billing"):
        system.start(service)
    system.start("caller", **caller)
    await system.ready()


async def completed(system: System, org: Org, runs: int, within_seconds: float = 60.0) -> None:
    """Wait for the end of runs, which all have completed."""
    ended = await system.all_ended(org, runs=runs, within_seconds=within_seconds)
    assert {run["status"] for run in ended} == {"completed"}, {run["error_message"] for run in ended}


async def test_two_organisations_share_the_room_of_a_small_caller_and_every_run_completes(idle_system: System) -> None:
    await start_all(idle_system, CALLS_PER_PROCESS=str(ROOM))
    async with a_far_end(talk_seconds=0.5) as far_end:
        big = await idle_system.org(agent=far_end.connection)
        small = await idle_system.org(agent=far_end.connection)
        for _ in range(2):
            assert (await idle_system.post(big, "/v1/test-call-batches", a_batch(big, 20))).status_code == 201
        for _ in range(2):
            assert (await idle_system.post(small, "/v1/test-calls", a_call(small))).status_code == 201
        await completed(idle_system, small, 2)
        waiting = (await idle_system.get(big, "/v1/test-calls?status=queued&limit=200")).json()
        assert len(waiting) >= 10, "the small one did not wait for the burst"
        await completed(idle_system, big, 40, within_seconds=120)
        assert far_end.max_up <= ROOM
        assert len(far_end.called_at) == 42
    await assert_the_books_balance(idle_system, big)
    metrics = (await idle_system.client.get(f"{idle_system.ops_url('scheduler')}/metrics")).text
    assert f"rehearsal_announced_room {float(ROOM)}" in metrics
    idle_system.processes["caller"].terminate()

    async def takes_no_more() -> bool:
        return [row["calls_limit"] for row in await idle_system.rows("SELECT calls_limit FROM scheduler.workers")] == [
            0
        ]

    await eventually(takes_no_more, what="a caller that is told to stop says so")


async def test_without_any_caller_for_longer_than_a_dispatch_may_wait_runs_complete_when_one_comes(
    idle_system: System,
) -> None:
    """Some had been dispatched to a caller that died before it heard of them, some found none."""
    await start_all(idle_system)
    async with a_far_end() as far_end:
        org = await idle_system.org(agent=far_end.connection)
        idle_system.kill("caller")
        assert (await idle_system.post(org, "/v1/test-call-batches", a_batch(org, 5))).status_code == 201

        async def dispatched() -> bool:
            ((runs,),) = await idle_system.rows("SELECT count(*) FROM scheduler.runs WHERE status = 'dispatched'")
            return bool(runs == 5)

        await eventually(dispatched, what="the scheduler has not missed the caller yet")
        await asyncio.sleep(AWAY_SECONDS / 2)
        assert (await idle_system.post(org, "/v1/test-call-batches", a_batch(org, 5))).status_code == 201
        await asyncio.sleep(AWAY_SECONDS / 2)
        statuses = await idle_system.rows("SELECT status, count(*) FROM scheduler.runs GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in statuses] == [("dispatched", 5), ("queued", 5)]
        idle_system.start("caller")
        await completed(idle_system, org, 10)
        assert len(far_end.called_at) == 10
    await assert_the_books_balance(idle_system, org)
