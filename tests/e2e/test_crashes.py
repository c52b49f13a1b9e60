"""Whatever process dies and whenever: every run ends once, and the books balance (promises 1, 2, 5, 7, 8)."""

import asyncio

import pytest

from tests.support.books import assert_the_books_balance
from tests.support.far_end import a_far_end
from tests.support.system import SERVICES, System, a_batch, a_call
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("victim", SERVICES)
async def test_kill_9_in_mid_flow_and_everything_ends_once(system: System, victim: str) -> None:
    async with a_far_end() as far_end:
        org = await system.org(agent=far_end.connection)
        for _ in range(3):
            assert (await system.post(org, "/v1/test-call-batches", a_batch(org, 10))).status_code == 201

        async def in_mid_flow() -> bool:
            return len(far_end.called_at) >= 5

        await eventually(in_mid_flow, what="five calls were placed")
        system.kill(victim)
        system.start(victim)
        runs = await system.all_ended(org, runs=30, within_seconds=90)
    assert len(far_end.called_at) <= 30, "no run was called twice"
    if victim != "caller":
        assert {run["status"] for run in runs} == {"completed"}
    else:
        failed = [run for run in runs if run["status"] == "failed"]
        assert {run["error_message"] for run in failed} <= {"The caller was lost during the call"}
        assert len(failed) <= 20, "only what was up, or being dialled, when the caller died"
    await assert_the_books_balance(system, org)


async def test_every_service_dies_again_and_again_and_the_books_balance(system: System) -> None:
    org = await system.org()
    for nth in range(8):
        answer = await system.post(org, "/v1/test-call-batches", a_batch(org, 10))
        assert answer.status_code == 201, answer.text
        victim = SERVICES[1 + nth % 3]  # not the API, which this test talks to
        system.kill(victim)
        await asyncio.sleep(0)
        system.start(victim)
    runs = await system.all_ended(org, runs=80, within_seconds=120)
    assert sum(run["status"] == "completed" for run in runs) >= 40
    await assert_the_books_balance(system, org)


async def test_the_api_accepts_while_everything_else_is_down(idle_system: System) -> None:
    for service in SERVICES:
        idle_system.start(service)
    await idle_system.ready()
    org = await idle_system.org()
    for service in SERVICES[1:]:
        idle_system.kill(service)
    for _ in range(3):
        assert (await idle_system.post(org, "/v1/test-calls", a_call(org))).status_code == 201
    waiting = (await idle_system.get(org, "/v1/billing")).json()
    assert waiting["available_cents"] == waiting["balance_cents"] - 3 * 16, "what billing has not answered counts"
    for service in SERVICES[1:]:
        idle_system.start(service)
    runs = await idle_system.all_ended(org, runs=3)
    assert {run["status"] for run in runs} == {"completed"}
    await assert_the_books_balance(idle_system, org)


async def test_a_caller_that_is_told_to_stop_finishes_its_calls(system: System) -> None:
    async with a_far_end(talk_seconds=1.0) as far_end:
        org = await system.org(agent=far_end.connection)
        await system.post(org, "/v1/test-call-batches", a_batch(org, 5))

        async def up() -> bool:
            return far_end.up == 5

        await eventually(up, what="five calls are up")
        system.processes["caller"].terminate()
        runs = await system.all_ended(org, runs=5)
        assert {run["status"] for run in runs} == {"completed"}
        assert await asyncio.to_thread(system.processes["caller"].wait, 30) == 0
