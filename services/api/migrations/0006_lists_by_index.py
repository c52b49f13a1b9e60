"""An index for every filter of the lists, each in the order of its list. Built beside the running services."""

from shared.db.concurrently import create_index_concurrently, drop_index_concurrently

revision = "0006"
down_revision = "0005"

COMPLETED = "completed_at IS NOT NULL AND error_message = ''"
FAILED = "error_message <> ''"
ENDED = "end_time IS NOT NULL"

INDEXES = {
    # Runs by their stage, as predicates on columns that a start does not change: PostgreSQL updates the row in place.
    # An ended run is in two of these, an open one in the first alone. What follows the id there is looked at in the
    # index, so that a long queue of other agents' runs is passed without its rows.
    "runs_open_by_id": "runs (org_id, id, agent_id, target_type) WHERE completed_at IS NULL",
    "runs_completed": f"runs (org_id, target_type, id) WHERE {COMPLETED}",
    "runs_failed": f"runs (org_id, target_type, id) WHERE {FAILED}",
    "runs_completed_of_agent": f"runs (org_id, agent_id, target_type, id) WHERE {COMPLETED}",
    "runs_failed_of_agent": f"runs (org_id, agent_id, target_type, id) WHERE {FAILED}",
    "batches_by_status": "batches (org_id, target_type, status, id)",
    # Calls are listed by when they were placed, so that a span of time is a span of the index.
    "calls_by_start": "calls (org_id, start_time, call_id)",
    "calls_up": (
        "calls (org_id, start_time, call_id, agent_id, direction, from_number, to_number) WHERE end_time IS NULL"
    ),
    "calls_ended": f"calls (org_id, status, direction, start_time, call_id) WHERE {ENDED}",
    "calls_ended_of_agent": f"calls (org_id, agent_id, status, direction, start_time, call_id) WHERE {ENDED}",
    "calls_ended_from": f"calls (org_id, from_number, status, direction, start_time, call_id, agent_id) WHERE {ENDED}",
    "calls_ended_between": (
        f"calls (org_id, from_number, to_number, status, direction, start_time, call_id, agent_id) WHERE {ENDED}"
    ),
    "calls_ended_to": (
        f"calls (org_id, to_number, status, direction, start_time, call_id, from_number, agent_id) WHERE {ENDED}"
    ),
    "ledger_entries_by_kind": "ledger_entries (org_id, kind, entry_id)",
    "ledger_entries_of_run_by_id": "ledger_entries (run_id, entry_id) WHERE run_id IS NOT NULL",
}
REPLACED = ("runs_open_of_org", "calls_of_org", "ledger_entries_of_run")


def upgrade() -> None:
    for name, of in INDEXES.items():
        create_index_concurrently(name, of)
    for name in REPLACED:
        drop_index_concurrently(name)
