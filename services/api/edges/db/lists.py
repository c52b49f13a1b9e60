"""The four lists, and their filters as branches that each have an index (the newest migration that names them)."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.api.domain.views import BATCH_COLUMNS, RUN_COLUMNS
from services.api.edges.db.paging import Asked, Branch, Listing

Filters = Mapping[str, Any]

_AS_TEXT = {
    "metadata": "CAST({table}.metadata AS text) AS metadata",
    "scenario_prompts": "CAST({table}.scenario_prompts AS text) AS scenario_prompts",
    "conditions": "COALESCE(CAST({table}.conditions AS text), 'null') AS conditions",
}


def _select(table: str, columns: Sequence[str]) -> str:
    """Return columns as answers take them: what is JSON as text."""
    return ", ".join(_AS_TEXT.get(name, f"{{table}}.{name}").format(table=table) for name in columns)


RUN_SELECT = _select("runs", RUN_COLUMNS)
TRANSCRIPT = "COALESCE(CAST(calls.transcript AS text), '[]') AS transcript"
BATCH_SELECT = _select("batches", BATCH_COLUMNS)
RUN_IDS = "ARRAY(SELECT runs.id FROM runs WHERE runs.batch_id = batches.id ORDER BY runs.id) AS run_ids"
SOUND = "CASE WHEN recordings.is_stored AND recordings.doomed_at IS NULL THEN recordings.name END AS recording_url"
# The second leg of a call over SIP costs nothing, which billing has said when it has answered for the first.
CALL_SELECT = f"""
    calls.call_id, calls.agent_id, calls.direction, calls.from_number, calls.to_number, calls.start_time,
    calls.end_time, calls.duration_seconds, calls.status, calls.end_reason, calls.product, calls.voice,
    CASE WHEN calls.call_id = runs.sip_call_id AND runs.billed_at IS NOT NULL THEN 0 ELSE runs.billable_minutes END
        AS billable_minutes,
    CASE WHEN calls.call_id = runs.sip_call_id AND runs.billed_at IS NOT NULL THEN 0 ELSE runs.billed_cents END
        AS billing_total_cents,
    runs.billed_at, COALESCE(calls.recording_mode, 'disabled_by_config') AS recording_mode,
    calls.recording_started_at, calls.sip_answered_at, {SOUND}
"""
ENTRY_SELECT = """
    entry_id, ledger_entries.run_id, ledger_entries.batch_id, ledger_entries.call_id, ledger_entries.kind,
    ledger_entries.amount_cents, ledger_entries.balance_cents, ledger_entries.held_cents, ledger_entries.created_at
"""
OF_RUN = "LEFT JOIN calls ON calls.call_id = runs.call_id LEFT JOIN recordings ON recordings.call_id = runs.call_id"
OF_CALL = "JOIN runs ON runs.id = calls.run_id LEFT JOIN recordings ON recordings.call_id = calls.call_id"
RUN_SHOWN = f"{RUN_SELECT}, {TRANSCRIPT}, {SOUND}"
RUNS = Listing("runs", ("id",), RUN_SHOWN, OF_RUN)
BATCHES = Listing("batches", ("id",), f"{BATCH_SELECT}, {RUN_IDS}")
CALLS = Listing("calls", ("start_time", "call_id"), CALL_SELECT, OF_CALL)
ENTRIES = Listing("ledger_entries", ("entry_id",), ENTRY_SELECT)

TARGET_TYPES = ("agent", "phone_number")
DIRECTIONS = ("inbound", "outbound")
OPEN = "completed_at IS NULL"
# As the partial indexes say it, and true of just the runs with that status (a CHECK of the table).
ENDED = {"completed": "completed_at IS NOT NULL AND error_message = ''", "failed": "error_message <> ''"}
BATCH_STATUSES = ("in_progress", "completed", "failed")
CALL_ENDED = ("completed", "failed")


def runs(filters: Filters) -> Asked:
    """Filter runs. Open runs are few: their filters are looked at one by one, those of ended runs are indexed."""
    given = _given(filters)
    if "batch_id" in given:  # at most 20 runs
        return Asked([_equal(given)], given)
    if not given:
        return Asked([()])
    status = given.get("status")
    branches: list[Branch] = []
    if status not in ENDED:
        branches.append((OPEN, *_equal(given)))
    of_agent = _equal(given, "agent_id")
    for ended in ENDED if status is None else [status] if status in ENDED else []:
        branches += [
            (ENDED[ended], *of_agent, f"target_type = '{target_type}'")
            for target_type in _either(given.get("target_type"), TARGET_TYPES)
        ]
    return _asked(branches, given)


def batches(filters: Filters) -> Asked:
    """Filter batches."""
    given = _given(filters)
    if not given:
        return Asked([()])
    return Asked(
        [
            (f"target_type = '{target_type}'", f"status = '{status}'")
            for target_type in _either(given.get("target_type"), TARGET_TYPES)
            for status in _either(given.get("status"), BATCH_STATUSES)
            if status in BATCH_STATUSES  # nothing is pending
        ]
    )


def calls(filters: Filters) -> Asked:
    """Filter calls. Those that are up are few; of ended ones each party's number and each agent has an index."""
    given = _given(filters)
    if given.pop("is_test_call", True) is False:
        return Asked([])
    span: Branch = ()
    if "start_date" in given:
        span += ("start_time >= :start_date",)
    if "end_date" in given:
        span += ("start_time <= :end_date",)
    who = _equal(given, "agent_id", "from_number", "to_number")
    status, direction = given.get("status"), given.get("direction")
    if not who and status is None and direction is None:
        return _asked([span], given)
    branches: list[Branch] = []
    if status not in CALL_ENDED:
        branches.append(("end_time IS NULL", *who, *_equal(given, "direction"), *span))
    for ended in CALL_ENDED if status is None else [status] if status in CALL_ENDED else []:
        branches += [
            ("end_time IS NOT NULL", f"status = '{ended}'", f"direction = '{one}'", *who, *span)
            for one in _either(direction, DIRECTIONS)
        ]
    return _asked(branches, given)


def entries(filters: Filters) -> Asked:
    """Filter ledger entries. A run has a handful."""
    given = _given(filters)
    return Asked([_equal(given)], given)


def _given(filters: Filters) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}


def _equal(given: Filters, *names: str) -> Branch:
    """Return a condition for each of these filters that was given; without names, for all that were."""
    return tuple(f"{name} = :{name}" for name in given if not names or name in names)


def _either(value: str | None, all_of_them: Sequence[str]) -> Sequence[str]:
    return all_of_them if value is None else (value,)


def _asked(branches: Sequence[Branch], given: Filters) -> Asked:
    """Keep the values that the branches name."""
    text = " ".join(condition for branch in branches for condition in branch)
    return Asked(branches, {name: value for name, value in given.items() if f":{name}" in text})
