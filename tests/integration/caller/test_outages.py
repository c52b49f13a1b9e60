"""The connections to PostgreSQL are cut in the middle of a call: it still ends once, and is never placed twice."""

import asyncpg
import pytest

from shared.events.executions import TestCallCompleted
from tests.integration.caller.faults import waits_for_a_lock
from tests.integration.caller.instance import Caller, about_to_dial, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, starts_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TIMES = 12
LOCK = "SELECT 1 FROM attempts FOR UPDATE"
KILL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'caller'"
)


async def test_calls_outlive_their_connections(caller: Caller, line: Line, operator: asyncpg.Connection) -> None:
    runs = range(11, 11 + TIMES)  # what the driver makes of a lost connection depends on the moment: so, many moments
    for run_id in runs:
        line.gate.clear()
        await caller.hear(dispatched(run_id))
        await caller.claim()
        await eventually(line.is_up(run_id))
        assert await operator.fetchval(KILL) > 0
        line.gate.set()
        await caller.idle()
        assert [type(one) for one in ends_of(await caller.said(), run_id)] == [TestCallCompleted]
    assert line.placed == dict.fromkeys(runs, 1)


@pytest.mark.parametrize("stage", ["start", "end"])
async def test_a_connection_that_is_killed_in_a_commit_of_a_call_costs_nothing(
    caller: Caller, line: Line, onlooker: asyncpg.Connection, operator: asyncpg.Connection, stage: str
) -> None:
    locked = onlooker.transaction()

    async def lock(run_id: int) -> None:
        await locked.start()
        await onlooker.execute(LOCK)

    line.gate.clear()
    gate = await about_to_dial(caller)
    if stage == "start":
        line.on_contact = lock
    gate.set()
    if stage == "end":
        await eventually(line.is_up(11))
        await caller.has_started(11)
        await lock(11)
        line.gate.set()
    await eventually(lambda: waits_for_a_lock(operator), what=f"the {stage} waits")
    line.gate.set()
    assert await operator.fetchval(KILL) > 0
    await locked.rollback()
    await caller.idle()
    said = await caller.said()
    assert [type(one) for one in ends_of(said, 11)] == [TestCallCompleted]
    assert (len(starts_of(said, 11)), line.placed) == (1, {11: 1})
