"""A customer cancels what is up and what waits: it is hung up, it fails, and the money is free again."""

import pytest

from tests.support.books import assert_the_books_balance
from tests.support.far_end import a_far_end
from tests.support.system import System, a_batch
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


async def test_a_batch_of_which_some_runs_are_up_and_some_wait_is_canceled(system: System) -> None:
    async with a_far_end(talk_seconds=60.0) as far_end:
        org = await system.org(funds_cents=1_000, agent=far_end.connection, max_concurrent_runs=2)
        batch = (await system.post(org, "/v1/test-call-batches", a_batch(org, 5))).json()

        async def up() -> bool:
            return far_end.up == 2

        await eventually(up, what="as many calls are up as there are slots")
        canceled = await system.post(org, f"/v1/test-call-batches/{batch['id']}/cancel?wait=30", {})
        assert (canceled.status_code, canceled.json()["status"]) == (200, "failed")
        runs = await system.all_ended(org, runs=5)
    assert [run["error_message"] for run in runs] == ["Canceled"] * 5
    assert sorted(run["started_at"] is None for run in runs) == [False, False, True, True, True]

    async def free() -> bool:
        funds = (await system.get(org, "/v1/billing")).json()
        return bool((funds["balance_cents"], funds["held_cents"], funds["available_cents"]) == (1_000, 0, 1_000))

    await eventually(free, what="the holds are released")
    await assert_the_books_balance(system, org)
