"""With a long queue a tick reads what it dispatches, not the queue."""

import json
from typing import Any

import pytest

from services.scheduler.domain import limits
from services.scheduler.edges.gauges import MEASURE
from services.scheduler.edges.statements import (
    DISPATCH_DUE,
    EXPIRE_OVERDUE,
    LOCK_ORGS_OF,
    LOCK_ORGS_WITH_OVERDUE,
    LOCK_ORGS_WITH_WORK,
    ROOM,
    SECONDS_TO_NEXT,
    SECONDS_TO_NEXT_EXPIRY,
)
from shared.db.database import Database

pytestmark = pytest.mark.integration

QUEUED_RUNS = 100_000
ORGS = 100
READ_AT_MOST = 20_000  # rows; a scan of the queue would be 100 000

FILL = """
INSERT INTO runs (run_id, org_id, request_id, batch_id, position, prompt_index, stagger_seconds, status, due_at,
                  requested_at, expires_at)
SELECT nth, nth % :orgs + 1, nth, NULL, 0, 0, 0, 'queued', now() - interval '1 second', now(), now() + interval '1 hour'
FROM generate_series(1, :runs) AS nth
"""

VALUES: dict[str, dict[str, Any]] = {
    LOCK_ORGS_OF: {"runs": list(range(1, 501)), "requests": list(range(1, 501))},
    LOCK_ORGS_WITH_WORK: {"max_orgs": limits.MAX_ORGS_PER_TICK},
    DISPATCH_DUE: {
        "orgs": list(range(1, ORGS + 1)),
        "long_wait_seconds": limits.LONG_WAIT_SECONDS,
        "max_runs": limits.MAX_DISPATCHES_PER_TICK,
        "max_runs_of_org": limits.MAX_RUNS_OF_ORG_PER_TICK,
        "start_within_seconds": limits.START_WITHIN_SECONDS,
    },
    LOCK_ORGS_WITH_OVERDUE: {"max_runs": limits.MAX_EXPIRIES_PER_TICK},
    EXPIRE_OVERDUE: {"orgs": list(range(1, ORGS + 1)), "max_runs": limits.MAX_EXPIRIES_PER_TICK},
    SECONDS_TO_NEXT: {},
    SECONDS_TO_NEXT_EXPIRY: {},
    ROOM: {"heard_within_seconds": limits.ROOM_HEARD_WITHIN_SECONDS},
    MEASURE: {
        "heard_within_seconds": limits.ROOM_HEARD_WITHIN_SECONDS,
        "max_orgs": limits.MAX_ORGS_PER_TICK,
        "max_runs_of_org": limits.MAX_RUNS_OF_ORG_PER_TICK,
    },
}


@pytest.mark.parametrize("statement", VALUES)
async def test_a_tick_does_not_read_the_queue(database: Database, statement: str) -> None:
    async with database.transaction() as transaction:
        await transaction.run(
            """
            INSERT INTO orgs (org_id, max_concurrent_runs, max_queue_seconds, next_due_at)
            SELECT nth, 3, 3600, now() FROM generate_series(1, :orgs) AS nth
            """,
            orgs=ORGS,
        )
        await transaction.run(FILL, orgs=ORGS, runs=QUEUED_RUNS)
        await transaction.run("INSERT INTO requests SELECT nth, '{}' FROM generate_series(1, :runs) AS nth", runs=300)
    async with database.transaction() as transaction:
        explained = await transaction.value(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", **VALUES[statement])
    plan = explained if isinstance(explained, list) else json.loads(explained)
    read = _rows_read(plan[0]["Plan"])
    assert read < READ_AT_MOST, f"{read} rows read: {json.dumps(plan)}"


def _rows_read(node: dict[str, Any]) -> int:
    """Rows that scans of the queue touched, filtered ones too."""
    own = 0
    if node.get("Relation Name") == "runs" and "Scan" in node["Node Type"]:
        own = int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return own + sum(_rows_read(child) for child in node.get("Plans", []))
