"""What no event can ask for any more goes; what still may be asked for stays."""

import pytest

from services.scheduler.domain.limits import ENDED_RUNS_KEPT_DAYS
from services.scheduler.edges.cleaner import clean_once
from tests.integration.scheduler.conftest import Scheduler
from tests.support.some_events import completed, failed, reserved

pytestmark = pytest.mark.integration


async def test_only_what_ended_long_ago_goes(scheduler: Scheduler) -> None:
    for run_id in (11, 12, 13):
        await scheduler.accept(run_id)
    await scheduler.tick()
    await scheduler.hear(completed(11), completed(12))  # 13 is up
    await scheduler.hear(failed(21), reserved(31))  # a tombstone, and funds before their request
    async with scheduler.ear.database.transaction() as transaction:
        for statement in (
            "UPDATE runs SET ended_at = ended_at - make_interval(days => :days) WHERE run_id = 11",
            "UPDATE ended_early SET noted_at = noted_at - make_interval(days => :days)",
            "UPDATE funds_stubs SET noted_at = noted_at - make_interval(days => :days)",
        ):
            await transaction.run(statement, days=ENDED_RUNS_KEPT_DAYS)
    assert await clean_once(scheduler.ear.database) == 1
    assert await scheduler.value("SELECT string_agg(CAST(run_id AS text), ' ' ORDER BY run_id) FROM runs") == "12 13"
    assert await scheduler.value("SELECT (SELECT count(*) FROM ended_early) + (SELECT count(*) FROM funds_stubs)") == 0
    assert await clean_once(scheduler.ear.database) == 0
