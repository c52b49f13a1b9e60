"""Tells operators whether workers are short: their room, what takes it, and who waits for it."""

import asyncio

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.edges.statements import CAPACITY
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.telemetry import logs

MEASURE_EVERY_SECONDS = 5.0

# As many of an organisation's due runs as it has slots free: more could not go whatever room there were.
WAITING = """
SELECT coalesce(sum(due.runs), 0) FROM (
    SELECT org_id, max_concurrent_runs - in_use AS slots FROM orgs
    WHERE next_due_at <= now() AND in_use < max_concurrent_runs AND next_due_at IS NOT NULL
    ORDER BY next_due_at LIMIT :max_orgs
) AS free CROSS JOIN LATERAL (
    SELECT count(*) AS runs FROM (
        SELECT FROM runs
        WHERE runs.org_id = free.org_id AND status = 'queued' AND due_at IS NOT NULL AND due_at <= now()
        LIMIT LEAST(free.slots, :max_runs_of_org)
    ) AS first
) AS due
"""

MEASURE = f"""
SELECT ({CAPACITY}) AS capacity, (SELECT coalesce(sum(in_use), 0) FROM orgs WHERE in_use > 0) AS dispatched,
       ({WAITING}) AS waiting
"""  # noqa: S608

log = logs.logger(__name__)


async def measure_for_ever(database: Database) -> None:
    """Measure now and then."""
    while True:
        try:
            await measure_once(database)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("room not measured", extra={"error": logs.error_name(error)})
        await asyncio.sleep(MEASURE_EVERY_SECONDS)


async def measure_once(database: Database) -> None:
    """Set the gauges. Every instance tells the same."""
    async with database.reading() as transaction:
        row = await transaction.row(
            MEASURE,
            heard_within_seconds=limits.ROOM_HEARD_WITHIN_SECONDS,
            max_orgs=limits.MAX_ORGS_PER_TICK,
            max_runs_of_org=limits.MAX_RUNS_OF_ORG_PER_TICK,
        )
    assert row is not None  # noqa: S101 - aggregates give one row
    metrics.ANNOUNCED_ROOM.set(float(row.capacity))
    metrics.DISPATCHED_NOW.set(float(row.dispatched))
    metrics.WAITING_FOR_ROOM.set(float(row.waiting))
