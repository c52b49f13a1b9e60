"""Many rows of one organisation, written straight into the API's tables."""

from datetime import UTC, datetime
from typing import Any

FIRST = 10_000_000  # ids of an organisation begin at so many times its own

# Filters cut across each other: an agent of ten, a number of seven, one in three failed, now and then one is open.
RUNS = """
INSERT INTO runs (org_id, request_id, id, batch_id, target_type, target_id, target_name, agent_id, agent_name,
    direction, target_number, mode, scenario_prompt, status, charge_multiplier, estimated_cost_cents, funds_answered,
    call_id, error_message, duration_seconds, started_at, completed_at, billed_at, billed_cents, billable_minutes,
    created_at, updated_at)
SELECT org_id, first + nth, first + nth, NULL, (ARRAY['agent', 'phone_number'])[nth % 2 + 1], 1, 'Ann',
    org_id + nth % 10, 'Ann', (ARRAY['outbound', 'inbound'])[nth % 5 / 4 + 1], '+1555', 'bot', 'Ask.', stage.status, 2,
    16, true, CASE WHEN stage.status <> 'queued' THEN first + nth END,
    CASE WHEN stage.status = 'failed' THEN 'It failed' ELSE '' END, 54,
    CASE WHEN stage.status <> 'queued' THEN at END, CASE WHEN stage.status IN ('completed', 'failed') THEN at END,
    at, 16, 1, at, at
FROM generate_series(1, :rows) AS nth
CROSS JOIN (SELECT CAST(:org_id AS bigint) AS org_id, CAST(:first AS bigint) AS first) AS given
CROSS JOIN LATERAL (SELECT CAST(:since AS timestamptz) + make_interval(secs => nth * 7 % 100000) AS at) AS placed
CROSS JOIN LATERAL (SELECT CASE WHEN nth % :open_every = 7 THEN 'queued' WHEN nth % :open_every = 8 THEN 'in_progress'
    WHEN nth % 3 = 0 THEN 'failed' ELSE 'completed' END AS status) AS stage
"""
CALLS = """
INSERT INTO calls (call_id, org_id, run_id, agent_id, direction, from_number, to_number, product, voice, start_time,
    end_time, duration_seconds, status, end_reason, transcript)
SELECT call_id, org_id, id, agent_id, direction, '+1555' || id % 7, '+1777' || id % 3, 'default', '', started_at,
    completed_at, duration_seconds, status, CASE WHEN completed_at IS NOT NULL THEN 'agent_end' END,
    CAST(CAST(:transcript AS text) AS jsonb)
FROM runs WHERE org_id = :org_id AND call_id IS NOT NULL
"""
ENTRIES = """
INSERT INTO ledger_entries (entry_id, org_id, run_id, kind, amount_cents, balance_cents, held_cents, created_at)
SELECT id * 2 + part, org_id, id, (ARRAY['hold', 'settle', 'release', 'deposit'])[id % 2 * 2 + part + 1], 16, 100, 0,
    created_at
FROM runs CROSS JOIN generate_series(0, 1) AS part WHERE org_id = :org_id
"""
BATCHES = """
INSERT INTO batches (id, org_id, request_id, name, target_type, target_id, direction, target_number, mode,
    scenario_prompts, stagger_seconds, run_count, estimated_minutes, estimated_cost_cents, charge_multiplier, status,
    completed_at, created_at, updated_at)
SELECT first + nth, org_id, first + nth, '', (ARRAY['agent', 'phone_number'])[nth % 2 + 1], 1, 'outbound', '+1555',
    'bot', '["Ask."]', 0, 1, 1, 16, 2, (ARRAY['in_progress', 'completed', 'failed'])[nth % 3 + 1],
    CASE WHEN nth % 3 > 0 THEN since END, since, since
FROM generate_series(1, :rows) AS nth
CROSS JOIN (SELECT CAST(:org_id AS bigint) AS org_id, CAST(:first AS bigint) AS first,
    CAST(:since AS timestamptz) AS since) AS given
"""
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
HELLO = '[{"role": "user", "content_type": "text/plain", "content": "Hi", "start_ms": 0, "end_ms": 9}]'


def many_rows(
    org_id: int, rows: int, transcript: str = HELLO, *, open_every: int = 100
) -> list[tuple[str, dict[str, Any]]]:
    """Return statements with their values: they give an organisation many runs, with calls, entries and batches."""
    of = {"org_id": org_id, "first": org_id * FIRST, "rows": rows, "since": SINCE}
    return [
        (RUNS, {**of, "open_every": open_every}),
        (CALLS, {"org_id": org_id, "transcript": transcript}),
        (ENTRIES, {"org_id": org_id}),
        (BATCHES, of),
    ]
