"""Counters and queues: slots in use, open runs, and events that wait to be published."""

from deploy.books.kinds import Finding
from deploy.books.sources import SCHEMAS, Sources

# One statement, one snapshot: slots are taken and given back all the time.
SLOTS = """
SELECT org_id, in_use, coalesce(dispatched, 0) AS dispatched
FROM orgs LEFT JOIN (
    SELECT org_id, count(*) AS dispatched FROM runs WHERE status = 'dispatched' GROUP BY org_id
) AS counted USING (org_id)
WHERE in_use <> coalesce(dispatched, 0)
"""
OPEN_RUNS = """
SELECT org_id, counted, added_up
FROM (
    SELECT org_id, ARRAY[unanswered_cents, active_runs, queued_runs] AS counted FROM open_runs
) AS known FULL JOIN (
    SELECT org_id, ARRAY[CAST(sum(cents) AS bigint), sum(active), sum(queued)] AS added_up
    FROM (
        SELECT org_id, 0 AS cents, CASE WHEN batch_id IS NULL OR status = 'in_progress' THEN 1 ELSE 0 END AS active,
               CASE WHEN status = 'queued' THEN 1 ELSE 0 END AS queued
        FROM runs WHERE completed_at IS NULL
        UNION ALL
        SELECT org_id, COALESCE(awaited_cents, estimated_cost_cents), 0, 0 FROM runs WHERE NOT funds_answered
    ) AS run GROUP BY org_id
) AS there USING (org_id)
WHERE COALESCE(counted, '{0,0,0}') <> COALESCE(added_up, '{0,0,0}')
"""
OLDEST_WAITING = """
SELECT id, topic, extract(epoch FROM clock_timestamp() - written_at) AS age_seconds FROM outbox ORDER BY id LIMIT 1
"""
ASIDE = """
SELECT topic, count(*) AS events, extract(epoch FROM clock_timestamp() - min(set_aside_at)) AS age_seconds
FROM outbox_aside GROUP BY topic
"""


async def look_at_slots(sources: Sources) -> list[Finding]:
    """Compare each organisation's count of slots in use with its dispatched runs."""
    if not sources.has("scheduler"):
        return []
    return [
        Finding(
            "slots_otherwise", f"org {row['org_id']}", 0.0, f"{row['in_use']} in use, {row['dispatched']} dispatched"
        )
        for row in await sources.rows("scheduler", SLOTS)
    ]


async def look_at_open_runs(sources: Sources) -> list[Finding]:
    """Compare what the api has counted of each organisation's open runs with these runs."""
    if not sources.has("api"):
        return []
    return [
        Finding(
            "open_runs_otherwise",
            f"org {row['org_id']}",
            0.0,
            f"{row['counted']} counted, {row['added_up']} there (unanswered cents, active and queued runs)",
        )
        for row in await sources.rows("api", OPEN_RUNS)
    ]


async def look_at_outboxes(sources: Sources) -> list[Finding]:
    """Name each schema's oldest event that waits (the same one at the next look is stuck), and what was set aside."""
    findings = []
    for schema in SCHEMAS:
        if sources.has(schema):
            for row in await sources.rows(schema, OLDEST_WAITING):
                detail = f"row {row['id']} for {row['topic']}"
                findings.append(Finding("outbox_stuck", schema, float(row["age_seconds"]), detail, state=row["id"]))
            for row in await sources.rows(schema, ASIDE):
                detail = f"{row['events']} for {row['topic']}"
                findings.append(Finding("set_aside", schema, float(row["age_seconds"]), detail, state=row["topic"]))
    return findings
