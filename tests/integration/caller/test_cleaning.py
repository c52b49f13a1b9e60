"""Ended attempts are kept until no dispatch can ask for them any more, and no longer."""

import pytest

from services.caller.domain.limits import ENDED_ATTEMPTS_KEPT_DAYS
from services.caller.edges.db.cleaner import clean_once
from tests.integration.caller.instance import Caller, dispatched

pytestmark = pytest.mark.integration


async def test_only_what_ended_long_ago_goes(caller: Caller) -> None:
    await caller.call(dispatched(11), dispatched(12))
    await caller.hear_without_room(dispatched(13))
    async with caller.database.transaction() as transaction:
        await transaction.run(
            """
            UPDATE attempts SET heard_at = heard_at - interval '30 days',
                ended_at = now() - make_interval(days => CASE run_id WHEN 11 THEN :long ELSE 1 END)
            WHERE ended_at IS NOT NULL
            """,
            long=ENDED_ATTEMPTS_KEPT_DAYS + 1,
        )
    assert await clean_once(caller.database) == 1
    assert [await caller.status(run_id) for run_id in (11, 12, 13)] == [None, "completed", "waiting"]
    assert await clean_once(caller.database) == 0
