"""Runs and batches as the customer sees them."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RunView:
    """One run; the fields are the columns of its row, then its call's transcript. Source: contract, test-call run."""

    id: int
    target_type: str
    target_id: int
    target_name: str
    agent_id: int
    agent_name: str
    direction: str
    target_number: str
    scenario_prompt: str
    mode: str
    status: str
    charge_multiplier: int
    estimated_cost_cents: int
    call_id: int | None
    sip_call_id: int | None
    error_message: str
    batch_id: int | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    duration_seconds: int | None
    metadata: dict[str, Any]
    conditions: dict[str, Any] | None
    recording: bool
    cancel_requested_at: datetime | None
    transcript: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BatchView:
    """One batch; the fields are the columns of its row, then its runs' ids. Source: contract, batch."""

    id: int
    name: str
    target_type: str
    target_id: int
    direction: str
    target_number: str
    mode: str
    scenario_prompts: list[str]
    stagger_seconds: int
    run_count: int
    completed_runs: int
    failed_runs: int
    estimated_minutes: int
    estimated_cost_cents: int
    charge_multiplier: int
    error_message: str
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    conditions: dict[str, Any] | None
    recording: bool
    parent_batch_id: int | None
    run_ids: list[int]


@dataclass(frozen=True, slots=True)
class PriceView:
    """What a dry run answers: what would be called, how often, and for how much. It has no row."""

    target_type: str
    target_id: int
    target_name: str
    agent_name: str
    direction: str
    mode: str
    run_count: int
    recording: bool
    charge_multiplier: int
    tariff_cents_per_minute: int
    estimated_minutes: int
    estimated_cost_cents: int
    available_cents: int


# What is read of a row, under the names of the answers' fields. The agent is filtered by, not shown.
RUN_COLUMNS = tuple(field.name for field in fields(RunView) if field.name not in ("agent_id", "transcript"))
BATCH_COLUMNS = tuple(field.name for field in fields(BatchView) if field.name != "run_ids")
