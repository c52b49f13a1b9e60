"""An organisation's limits are what was said of them last, whichever is heard first."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from tests.integration.scheduler.conftest import Scheduler, slots

pytestmark = pytest.mark.integration


async def test_the_limits_that_were_said_last_count_in_whatever_order_they_are_heard(scheduler: Scheduler) -> None:
    for org_id, order in enumerate(permutations((1, 2, 3)), start=1):
        for nth in order:
            said = datetime.now(UTC) + timedelta(minutes=nth)
            await scheduler.ear.hear_facts((slots(nth, org_id=org_id), said, str(nth)))
        limit = await scheduler.value("SELECT max_concurrent_runs FROM orgs WHERE org_id = :org_id", org_id=org_id)
        assert limit == 3, order


async def test_within_one_poll_the_limits_that_were_said_last_count(scheduler: Scheduler) -> None:
    now = datetime.now(UTC)
    await scheduler.ear.hear_facts(
        (slots(7), now + timedelta(minutes=1), "b"), (slots(3), now, "a"), (slots(5), now + timedelta(minutes=1), "a")
    )
    assert await scheduler.value("SELECT max_concurrent_runs FROM orgs WHERE org_id = 1") == 7
