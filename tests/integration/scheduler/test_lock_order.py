"""Instances whose polls are about the same organisations wait for each other, never in a circle."""

import asyncio

import pytest

from tests.integration.scheduler.conftest import MakeScheduler, slots
from tests.support.some_events import requested

pytestmark = pytest.mark.integration

ROUNDS = 40


async def test_polls_that_cross_do_not_deadlock(make_scheduler: MakeScheduler) -> None:
    first, second = await make_scheduler(0), await make_scheduler(1)
    await first.hear(slots(1, org_id=1), slots(1, org_id=2))
    for nth in range(ROUNDS):
        run_id = 100 + 2 * nth
        await asyncio.gather(
            first.hear(slots(2, org_id=1), requested(run_id, org_id=2)),
            second.hear(slots(2, org_id=2), requested(run_id + 1, org_id=1)),
        )
    assert await first.value("SELECT count(*) FROM runs") == 2 * ROUNDS
