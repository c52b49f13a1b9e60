"""A payment is taken back while its money is held: calls go on and are paid for, new ones refused (promise 8)."""

import pytest

from shared.events.payments import FundsAdjusted, FundsDeposited
from tests.support.books import assert_the_books_balance
from tests.support.far_end import a_far_end
from tests.support.system import System, a_call
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

ESTIMATE_CENTS = 16


async def test_a_chargeback_in_mid_call_leaves_the_call_alone_and_refuses_the_next(system: System) -> None:
    async with a_far_end(talk_seconds=1.0) as far_end:
        org = await system.org(funds_cents=ESTIMATE_CENTS + 4, agent=far_end.connection)
        assert (await system.post(org, "/v1/test-calls", a_call(org))).status_code == 201

        async def up() -> bool:
            return far_end.up == 1

        await eventually(up, what="the call is up")
        back = FundsAdjusted(
            org_id=org.org_id, adjustment_id="bank-1", amount_cents=-(ESTIMATE_CENTS + 4), reason="charged back"
        )
        other = FundsDeposited(org_id=org.org_id, deposit_id=f"first-{org.org_id}", amount_cents=1_000_000)
        await system.platform.publish([back, back, other])

        async def taken() -> bool:
            return int((await system.get(org, "/v1/billing")).json()["balance_cents"]) <= 0

        await eventually(taken, what="the payment is taken back")
        assert (await system.post(org, "/v1/test-calls", a_call(org))).status_code == 402
        (run,) = await system.all_ended(org, runs=1)
    assert run["status"] == "completed"
    funds = (await system.get(org, "/v1/billing")).json()
    assert (funds["balance_cents"], funds["balance_usd"]) == (-ESTIMATE_CENTS, "-0.16")
    await assert_the_books_balance(system, org)

    async def told() -> bool:
        metrics = (await system.client.get(f"{system.ops_url('billing')}/metrics")).text
        return 'rehearsal_payments_refused_total{kind="deposit"} 1.0' in metrics

    await eventually(told, what="the deposit that came again with another amount is an alarm")
