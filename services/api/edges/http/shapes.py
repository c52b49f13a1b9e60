"""Runs, batches and calls as JSON, field by field as the contract lists them."""

from datetime import datetime
from typing import Any

from services.api.domain.views import BatchView, RunView
from shared.events.fields import timestamp

Json = dict[str, Any]

# Keys of a call log that existing clients read and fail without; of no call is any of this kept yet.
_NOT_KEPT_OF_CALLS: Json = {
    "agent_variant_id": None,
    "agent_variant_label": None,
    "call_outcome": None,
    "cloud_run_execution_name": None,
    "collected_values": None,
    "consent_evidence": None,
    "extracted_data": None,
    "goal_achievement": None,
    "goal_reasoning": None,
    "is_scenario_call": False,
    "is_simulation": False,
    "livekit_room_name": None,
    "livekit_room_sid": None,
    "locale": "en-US",
    "outbound_dial_state": None,
    "prompt_snapshot": "",
    "recording_mode": "disabled_by_config",
    "recording_policy": None,
    "recording_retention_notice": None,
    "recording_started_at": None,
    "sip_answered_at": None,
    "steps_trace": None,
    "thinking_level": "",
    "tool_snapshot": [],
    "transfer_bridge_kind": None,
    "transfer_bridge_seconds": None,
    "transfer_bridge_total_cents": None,
    "transfer_destination": "",
    "transfer_outcome": None,
    "transfer_sip_status": None,
    "unresolved_variables": [],
    "variables": {},
}


def instant(at: datetime | None) -> str | None:
    """Return a timestamp of the contract, or null."""
    return timestamp(at) if at is not None else None


def run_json(run: RunView) -> Json:
    """Return a run. Source: contract, test-call run."""
    return {
        "id": run.id,
        "target_type": run.target_type,
        "target_id": run.target_id,
        "direction": run.direction,
        "target_number": run.target_number,
        "scenario_prompt": run.scenario_prompt,
        "mode": run.mode,
        "status": run.status,
        "charge_multiplier": run.charge_multiplier,
        "estimated_cost_cents": run.estimated_cost_cents,
        "call_id": run.call_id,
        "sip_call_id": run.sip_call_id,
        "error_message": run.error_message,
        "batch_id": run.batch_id,
        "started_at": instant(run.started_at),
        "completed_at": instant(run.completed_at),
        "created_at": instant(run.created_at),
        "updated_at": instant(run.updated_at),
        "agent_name": run.agent_name,
        "target_name": run.target_name,
        "duration_seconds": run.duration_seconds,
        "grade": None,
        "metadata": run.metadata,
        "recording_url": None,
        "requested_by_id": None,
        "transcript": run.transcript,
    }


def batch_json(batch: BatchView) -> Json:
    """Return a batch. Source: contract, batch."""
    return {
        "id": batch.id,
        "name": batch.name,
        "target_type": batch.target_type,
        "target_id": batch.target_id,
        "direction": batch.direction,
        "target_number": batch.target_number,
        "mode": batch.mode,
        "scenario_prompts": batch.scenario_prompts,
        "stagger_seconds": batch.stagger_seconds,
        "run_count": batch.run_count,
        "total_runs": batch.run_count,
        "completed_runs": batch.completed_runs,
        "failed_runs": batch.failed_runs,
        "run_ids": batch.run_ids,
        "estimated_minutes": batch.estimated_minutes,
        "estimated_cost_cents": batch.estimated_cost_cents,
        "charge_multiplier": batch.charge_multiplier,
        "matrix_dimensions": {},
        "error_message": batch.error_message,
        "requested_by_id": None,
        "status": batch.status,
        "started_at": instant(batch.started_at),
        "completed_at": instant(batch.completed_at),
        "created_at": instant(batch.created_at),
        "updated_at": instant(batch.updated_at),
    }


def view_json(view: RunView | BatchView) -> Json:
    """Return a run or a batch."""
    return run_json(view) if isinstance(view, RunView) else batch_json(view)


def call_json(call: Any) -> Json:
    """Return a call log from its row. Source: contract, calls. Until billing has answered, what it cost is null."""
    return {
        "call_id": call.call_id,
        "agent_id": call.agent_id,
        "direction": call.direction,
        "from_number": call.from_number,
        "to_number": call.to_number,
        "start_time": instant(call.start_time),
        "end_time": instant(call.end_time),
        "duration_seconds": call.duration_seconds,
        "status": call.status,
        "end_reason": call.end_reason,
        "recording_url": None,
        "is_test_call": True,
        "product": call.product,
        "voice": call.voice,
        "billable_minutes": call.billable_minutes,
        "billing_total_cents": call.billed_cents,
        "billed_at": instant(call.billed_at),
        "grade_score": None,
        "grade_status": None,
        "grade_updated_at": None,
        "issue_count": 0,
        "critical_issue_count": 0,
        **_NOT_KEPT_OF_CALLS,
    }


def funds_json(funds: Any) -> Json:
    """Return an organisation's funds from their row. Source: contract, money."""
    available = funds.balance_cents - funds.held_cents - funds.unanswered_cents
    return {
        "currency": "usd",
        "balance_cents": funds.balance_cents,
        "held_cents": funds.held_cents,
        "available_cents": available,
        "balance_usd": _dollars(funds.balance_cents),
        "as_of": instant(funds.at),
    }


def _dollars(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def entry_json(entry: Any) -> Json:
    """Return a ledger entry from its row. Source: contract, money."""
    return {
        "id": entry.entry_id,
        "run_id": entry.run_id,
        "batch_id": entry.batch_id,
        "call_id": entry.call_id,
        "kind": entry.kind,
        "amount_cents": entry.amount_cents,
        "balance_cents": entry.balance_cents,
        "held_cents": entry.held_cents,
        "created_at": instant(entry.created_at),
    }
