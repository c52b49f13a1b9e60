"""Instances whose polls are about the same accounts wait for each other, never in a circle."""

import asyncio

import pytest

from shared.db.database import Database
from tests.integration.billing.conftest import MakeEar, deposited
from tests.support.ledger import assert_the_ledger_is_sound
from tests.support.some_events import requested

pytestmark = pytest.mark.integration

ROUNDS = 40


async def test_polls_that_cross_do_not_deadlock(make_ear: MakeEar, database: Database) -> None:
    first, second = await make_ear(0), await make_ear(1)
    for nth in range(ROUNDS):
        run_id = 100 + 2 * nth
        await asyncio.gather(
            first.hear(deposited(50, org_id=1, deposit_id=f"d{nth}"), requested(run_id, org_id=2)),
            second.hear(deposited(50, org_id=2, deposit_id=f"d{nth}"), requested(run_id + 1, org_id=1)),
        )
    await assert_the_ledger_is_sound(database)
