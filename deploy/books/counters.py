"""Counters and queues: slots in use, and events that wait to be published."""

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
