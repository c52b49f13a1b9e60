"""A test-call run, and the query of their list. Source: contract, test-call run."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from services.api.edges.http.models.base import Answer, Cents, Id, Instant
from services.api.edges.http.models.calls import Turn
from services.api.edges.http.models.query import ABSENT, IdFilter, PageQuery
from shared.events.conditions import Conditions
from shared.events.fields import Direction, Mode, TargetType

RunStatus = Literal["queued", "in_progress", "completed", "failed"]


class TestCallRun(Answer):
    """A test-call run."""

    stored: ClassVar = ("metadata", "conditions", "transcript")

    id: Id
    target_type: TargetType
    target_id: Id
    direction: Direction
    target_number: str
    scenario_prompt: str
    mode: Mode
    status: RunStatus
    charge_multiplier: int
    estimated_cost_cents: Cents
    call_id: Id | None
    sip_call_id: Id | None
    error_message: str
    batch_id: Id | None
    started_at: Instant | None
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    agent_name: str | None
    target_name: str
    duration_seconds: int | None
    grade: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    conditions: Conditions | None = None
    recording: bool = False
    recording_url: str | None = None
    cancel_requested_at: Instant | None = None
    requested_by_id: int | None = None
    transcript: list[Turn] = Field(default_factory=list)


class RunQuery(PageQuery):
    """Filters of runs."""

    target_type: TargetType = ABSENT
    status: RunStatus = ABSENT
    agent_id: IdFilter = ABSENT
    batch_id: IdFilter = ABSENT
