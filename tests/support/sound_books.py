"""Four schemas whose books are in order: five runs of one organisation, each at another point of its way."""

from datetime import timedelta

import asyncpg

ORG = 5
COMPLETED, FAILED, QUEUED, UP, DECLINED = 1, 2, 3, 4, 6
ESTIMATE_CENTS = 16
PAID_CENTS = 100

STATEMENTS = (
    "SET search_path = api",
    "INSERT INTO funds (org_id, balance_cents, held_cents, version) VALUES (5, 84, 32, 9)",
    """
    INSERT INTO runs (id, org_id, request_id, target_type, target_id, target_name, agent_id, agent_name, direction,
                      target_number, mode, scenario_prompt, status, charge_multiplier, estimated_cost_cents,
                      funds_answered, call_id, error_message, completed_at, billed_at, billed_cents, created_at,
                      updated_at)
    SELECT id, 5, id, 'agent', 1, 'Ann', 1, 'Ann', 'outbound', '', 'bot', '', status, 2, 16, true, call_id, error,
           CASE WHEN error <> '' OR status = 'completed' THEN now() - $1::interval END,
           CASE WHEN cents IS NOT NULL THEN now() - $1::interval END, cents, now() - $1::interval, now() - $1::interval
    FROM (VALUES (1, 'completed', 101, '', 16), (2, 'failed', NULL, 'no answer', 0), (3, 'queued', NULL, '', NULL),
                 (4, 'in_progress', 104, '', NULL), (6, 'failed', NULL, 'no funds', NULL))
         AS run (id, status, call_id, error, cents)
    """,
    "SET search_path = billing",
    "INSERT INTO accounts (org_id, balance_cents, held_cents, version) VALUES (5, 84, 32, 9)",
    """
    INSERT INTO reservations (run_id, request_id, org_id, status, held_cents, tariff_cents_per_minute,
                              charge_multiplier, held_minutes, changed_at)
    SELECT id, id, 5, status, cents, 8, 2, 1, now() - $1::interval
    FROM (VALUES (1, 'posted', 16), (2, 'voided', 16), (3, 'pending', 16), (4, 'pending', 16), (6, 'voided', 0))
         AS hold (id, status, cents)
    """,
    """
    INSERT INTO ledger (id, org_id, cause, kind, debit_account, credit_account, amount_cents, run_id, balance_cents,
                        held_cents, created_at)
    SELECT id, 5, coalesce('run:' || run_id, 'deposit:5:first'), kind, debit, credit, cents, run_id, balance, held,
           now() - $1::interval
    FROM (VALUES (1, 'deposit', 'cash', 'org:5:available', 100, NULL, 100, 0),
                 (2, 'hold', 'org:5:available', 'org:5:held', 16, 1, 100, 16),
                 (3, 'settle', 'org:5:held', 'revenue', 16, 1, 84, 0),
                 (4, 'hold', 'org:5:available', 'org:5:held', 16, 2, 84, 16),
                 (5, 'release', 'org:5:held', 'org:5:available', 16, 2, 84, 0),
                 (6, 'hold', 'org:5:available', 'org:5:held', 16, 3, 84, 16),
                 (7, 'hold', 'org:5:available', 'org:5:held', 16, 4, 84, 32))
         AS entry (id, kind, debit, credit, cents, run_id, balance, held)
    """,
    "RESET search_path",
    """
    INSERT INTO api.ledger_entries (entry_id, org_id, run_id, kind, amount_cents, balance_cents, held_cents, created_at)
    SELECT id, org_id, run_id, kind, amount_cents, balance_cents, held_cents, created_at FROM billing.ledger
    """,
    "SET search_path = scheduler",
    "INSERT INTO orgs (org_id, max_concurrent_runs, max_queue_seconds, in_use) VALUES (5, 20, 3600, 1)",
    """
    INSERT INTO runs (run_id, org_id, request_id, position, prompt_index, stagger_seconds, status, requested_at,
                      expires_at, dispatched_at, ended_at)
    SELECT id, 5, id, 0, 0, 0, status, now() - $1::interval, now() + interval '1 hour', now() - $1::interval,
           CASE status WHEN 'ended' THEN now() - $1::interval END
    FROM (VALUES (1, 'ended'), (2, 'ended'), (3, 'queued'), (4, 'dispatched'), (6, 'ended')) AS run (id, status)
    """,
    "SET search_path = caller",
    """
    INSERT INTO attempts (run_id, org_id, call_id, status, dispatch, start_before, lease_token, lease_expires_at,
                          started_at, ended_at, heard_at)
    SELECT id, 5, 100 + id, status, '', now(), CASE status WHEN 'started' THEN gen_random_uuid() END,
           CASE status WHEN 'started' THEN now() + interval '1 hour' END, now() - $1::interval,
           CASE WHEN status <> 'started' THEN now() - $1::interval END, now() - $1::interval
    FROM (VALUES (1, 'completed'), (2, 'failed'), (4, 'started')) AS attempt (id, status)
    """,
    "RESET search_path",
)


async def write_sound_books(admin: asyncpg.Connection, *, age: timedelta) -> None:
    """Write them, as they were left `age` ago."""
    for statement in STATEMENTS:
        await admin.execute(statement, *([age] if "$1" in statement else []))
