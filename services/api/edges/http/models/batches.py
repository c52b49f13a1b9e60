"""A batch of test-call runs, and the query of their list. Source: contract, batch."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from services.api.edges.http.models.base import Answer, Cents, Id, Instant
from services.api.edges.http.models.query import ABSENT, PageQuery
from shared.events.conditions import Conditions
from shared.events.fields import Direction, Mode, TargetType

BatchStatus = Literal["pending", "in_progress", "completed", "failed"]


class TestCallBatch(Answer):
    """A batch of test-call runs."""

    stored: ClassVar = ("scenario_prompts", "conditions")

    id: Id
    name: str
    target_type: TargetType
    target_id: Id
    direction: Direction
    target_number: str
    mode: Mode
    scenario_prompts: list[str] = Field(default_factory=list)
    stagger_seconds: int
    run_count: int
    total_runs: int = Field(default_factory=lambda batch: batch["run_count"])
    completed_runs: int
    failed_runs: int
    run_ids: list[Id]
    estimated_minutes: int
    estimated_cost_cents: Cents
    charge_multiplier: int
    matrix_dimensions: dict[str, Any] = Field(default_factory=dict)
    error_message: str
    requested_by_id: int | None = None
    status: BatchStatus
    started_at: Instant | None
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    conditions: Conditions | None = None
    recording: bool = False
    parent_batch_id: Id | None = None


class BatchQuery(PageQuery):
    """Filters of batches."""

    status: BatchStatus = ABSENT
    target_type: TargetType = ABSENT
