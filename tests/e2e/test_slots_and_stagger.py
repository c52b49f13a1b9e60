"""Never more calls than slots, and staggered starts: measured at the far end (promises 6 and 9)."""

import asyncio
from itertools import pairwise

import pytest

from tests.support.books import assert_the_books_balance
from tests.support.far_end import a_far_end
from tests.support.system import System, a_batch, a_call

pytestmark = pytest.mark.e2e


async def test_64_concurrent_requests_never_exceed_three_slots_and_reach_them(system: System) -> None:
    system.start("scheduler-2")
    system.start("caller-2")
    await system.ready("scheduler-2", "caller-2")
    async with a_far_end() as far_end:
        org = await system.org(agent=far_end.connection, max_concurrent_runs=3)
        answers = await asyncio.gather(
            *(system.post(org, "/v1/test-calls", a_call(org)) for _ in range(32)),
            *(system.post(org, "/v1/test-call-batches", a_batch(org, 2)) for _ in range(32)),
        )
        singles, batches = answers[:32], answers[32:]
        assert all(answer.status_code in (201, 429) for answer in answers)
        assert all(answer.status_code == 201 for answer in batches)
        accepted = sum(answer.status_code == 201 for answer in singles)
        refused = [answer for answer in singles if answer.status_code == 429]
        assert 1 <= accepted <= 3
        assert {answer.json()["code"] for answer in refused} == {"concurrency_limit"}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        runs = await system.all_ended(org, runs=accepted + 64, within_seconds=90)
    assert {run["status"] for run in runs} == {"completed"}
    assert 0 < far_end.max_up <= 3
    assert far_end.max_up == 3, "the limit is reached"
    assert len(far_end.called_at) == accepted + 64, "each run was called once"
    await assert_the_books_balance(system, org)


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
async def test_successive_runs_start_at_least_the_stagger_apart_at_the_far_end(system: System, direction: str) -> None:
    async with a_far_end() as far_end:
        org = await system.org(agent=far_end.connection)
        body = a_batch(org, 5, stagger_seconds=1, direction=direction)
        assert (await system.post(org, "/v1/test-call-batches", body)).status_code == 201
        runs = await system.all_ended(org, runs=5)
    assert {run["status"] for run in runs} == {"completed"}, [run["error_message"] for run in runs]
    gaps = [after - before for before, after in pairwise(sorted(far_end.called_at))]
    assert len(gaps) == 4
    assert min(gaps) >= 1.0, gaps
    assert max(gaps) < 2.5, gaps


async def test_a_small_organisation_does_not_wait_for_a_big_one(system: System) -> None:
    async with a_far_end() as far_end:
        big = await system.org(agent=far_end.connection, max_concurrent_runs=2, max_queued_runs=200)
        small = await system.org(max_concurrent_runs=2)
        for _ in range(5):
            assert (await system.post(big, "/v1/test-call-batches", a_batch(big, 20))).status_code == 201
        assert (await system.post(small, "/v1/test-calls", a_call(small))).status_code == 201
        await system.all_ended(small, runs=1, within_seconds=15)
        left = (await system.get(big, "/v1/test-calls?status=queued&limit=200")).json()
        assert len(left) > 50, "the big one's queue is still long"
