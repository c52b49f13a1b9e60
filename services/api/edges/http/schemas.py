"""The answers' shapes for /openapi.json. `shapes` writes them; a test holds every answer against these."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[int, Field(ge=1, le=2**53 - 1)]
Cents = Annotated[int, Field(description="US cents")]
Instant = Annotated[str, Field(description="ISO 8601, UTC, milliseconds", examples=["2026-01-31T12:00:00.000Z"])]
TargetType = Literal["agent", "phone_number"]
Direction = Literal["outbound", "inbound"]


class Shape(BaseModel):
    """Answers have exactly these keys."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Shape):
    """An error: a sentence and a stable word."""

    detail: str
    code: str


class ValidationProblem(BaseModel):
    """Wrong fields or parameters: sentences for each, beside the word `validation_error`."""

    model_config = ConfigDict(extra="allow", strict=True)
    code: Literal["validation_error"]
    __pydantic_extra__: dict[str, list[str]]


class Turn(Shape):
    """One utterance or tool use; milliseconds from the call's start."""

    role: Literal["user", "assistant", "tool_call", "tool_response"]
    content_type: Literal["text/plain", "application/json"]
    content: str
    start_ms: int
    end_ms: int


class TestCallRun(Shape):
    """A test-call run."""

    id: Id
    target_type: TargetType
    target_id: Id
    direction: Direction
    target_number: str
    scenario_prompt: str
    mode: Literal["bot", "sip"]
    status: Literal["queued", "in_progress", "completed", "failed"]
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
    grade: dict[str, Any] | None
    metadata: dict[str, Any]
    recording_url: str | None
    requested_by_id: int | None
    transcript: list[Turn]


class TestCallBatch(Shape):
    """A batch of test-call runs."""

    id: Id
    name: str
    target_type: TargetType
    target_id: Id
    direction: Direction
    target_number: str
    mode: Literal["bot", "sip"]
    scenario_prompts: list[str]
    stagger_seconds: int
    run_count: int
    total_runs: int
    completed_runs: int
    failed_runs: int
    run_ids: list[Id]
    estimated_minutes: int
    estimated_cost_cents: Cents
    charge_multiplier: int
    matrix_dimensions: dict[str, Any]
    error_message: str
    requested_by_id: int | None
    status: Literal["pending", "in_progress", "completed", "failed"]
    started_at: Instant | None
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant


class Call(Shape):
    """A call log. What it cost is null until billing has answered."""

    call_id: Id
    agent_id: Id | None
    direction: Direction
    from_number: str
    to_number: str
    start_time: Instant
    end_time: Instant | None
    duration_seconds: int | None
    status: Literal["in_progress", "completed", "failed"]
    end_reason: Literal["caller_hangup", "agent_end", "transfer", "timeout", "error"] | None
    recording_url: str | None
    is_test_call: bool
    product: str
    voice: str
    billable_minutes: int | None
    billing_total_cents: Cents | None
    billed_at: Instant | None
    grade_score: float | None
    grade_status: Literal["pending", "completed", "failed"] | None
    grade_updated_at: Instant | None
    issue_count: int
    critical_issue_count: int
    agent_variant_id: Id | None
    agent_variant_label: str | None
    call_outcome: Literal["success", "failure", "unknown", "no_conversation"] | None
    cloud_run_execution_name: str | None
    collected_values: dict[str, Any] | None
    consent_evidence: dict[str, Any] | None
    extracted_data: dict[str, Any] | None
    goal_achievement: Literal["achieved", "missed", "no_opportunity"] | None
    goal_reasoning: str | None
    is_scenario_call: bool
    is_simulation: bool
    livekit_room_name: str | None
    livekit_room_sid: str | None
    locale: str
    outbound_dial_state: str | None
    prompt_snapshot: str
    recording_mode: Literal["recording", "disabled_by_config", "recording_failed_before_capture"]
    recording_policy: str | None
    recording_retention_notice: str | None
    recording_started_at: Instant | None
    sip_answered_at: Instant | None
    steps_trace: list[dict[str, Any]] | None
    thinking_level: str
    tool_snapshot: list[dict[str, Any]]
    transfer_bridge_kind: str | None
    transfer_bridge_seconds: int | None
    transfer_bridge_total_cents: Cents | None
    transfer_destination: str
    transfer_outcome: str | None
    transfer_sip_status: int | None
    unresolved_variables: list[str]
    variables: dict[str, Any]


class CallPage(Shape):
    """A page of call logs."""

    results: list[Call]
    total: int
    limit: int
    offset: int


class Transcript(Shape):
    """A call's transcript."""

    call_id: Id
    transcripts: list[Turn]


class Funds(Shape):
    """An organisation's funds. Available = balance − held − estimates that billing has not answered yet."""

    currency: Literal["usd"]
    balance_cents: Cents
    held_cents: Cents
    available_cents: Cents
    balance_usd: str
    as_of: Instant


class LedgerEntry(Shape):
    """One ledger entry, with balance and held funds after it."""

    id: Id
    run_id: Id | None
    batch_id: Id | None
    call_id: Id | None
    kind: Literal["deposit", "hold", "settle", "release", "adjustment"]
    amount_cents: Cents
    balance_cents: Cents
    held_cents: Cents
    created_at: Instant


class LedgerEntryPage(Shape):
    """A page of ledger entries."""

    results: list[LedgerEntry]
    total: int
    limit: int
    offset: int


class Health(Shape):
    """The API lives."""

    ok: bool
