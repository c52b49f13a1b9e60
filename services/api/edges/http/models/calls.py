"""A call log, its transcript, and the query of their list. Source: contract, calls."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from services.api.edges.http.models.base import Answer, Cents, Id, Instant, Wrapped
from services.api.edges.http.models.query import ABSENT, Boolean, FromInstant, IdFilter, Number, PageQuery, UntilInstant
from shared.events.fields import Direction, EndReason

CallStatus = Literal["in_progress", "completed", "failed"]


class Call(Answer):
    """A call log. What it cost is null until billing has answered."""

    call_id: Id
    agent_id: Id | None
    direction: Direction
    from_number: str
    to_number: str
    start_time: Instant
    end_time: Instant | None
    duration_seconds: int | None
    status: CallStatus
    end_reason: EndReason | None
    recording_url: str | None = None
    is_test_call: bool = True
    product: str
    voice: str
    billable_minutes: int | None
    billing_total_cents: Cents | None
    billed_at: Instant | None
    grade_score: float | None = None
    grade_status: Literal["pending", "completed", "failed"] | None = None
    grade_updated_at: Instant | None = None
    issue_count: int = 0
    critical_issue_count: int = 0
    # Keys that existing clients read and fail without; of no call is any of this kept yet.
    agent_variant_id: Id | None = None
    agent_variant_label: str | None = None
    call_outcome: Literal["success", "failure", "unknown", "no_conversation"] | None = None
    cloud_run_execution_name: str | None = None
    collected_values: dict[str, Any] | None = None
    consent_evidence: dict[str, Any] | None = None
    extracted_data: dict[str, Any] | None = None
    goal_achievement: Literal["achieved", "missed", "no_opportunity"] | None = None
    goal_reasoning: str | None = None
    is_scenario_call: bool = False
    is_simulation: bool = False
    livekit_room_name: str | None = None
    livekit_room_sid: str | None = None
    locale: str = "en-US"
    outbound_dial_state: str | None = None
    prompt_snapshot: str = ""
    recording_mode: Literal["recording", "disabled_by_config", "recording_failed_before_capture"] = "disabled_by_config"
    recording_policy: str | None = None
    recording_retention_notice: str | None = None
    recording_started_at: Instant | None = None
    sip_answered_at: Instant | None = None
    steps_trace: list[dict[str, Any]] | None = None
    thinking_level: str = ""
    tool_snapshot: list[dict[str, Any]] = Field(default_factory=list)
    transfer_bridge_kind: str | None = None
    transfer_bridge_seconds: int | None = None
    transfer_bridge_total_cents: Cents | None = None
    transfer_destination: str = ""
    transfer_outcome: str | None = None
    transfer_sip_status: int | None = None
    unresolved_variables: list[str] = Field(default_factory=list)
    variables: dict[str, Any] = Field(default_factory=dict)


class CallPage(Wrapped[Call]):
    """A page of call logs."""


class Turn(Answer):
    """One utterance or tool use; milliseconds from the call's start."""

    role: Literal["user", "assistant", "tool_call", "tool_response"]
    content_type: Literal["text/plain", "application/json"]
    content: str
    start_ms: int
    end_ms: int


class Transcript(Answer):
    """A call's transcript."""

    stored: ClassVar = ("transcripts",)

    call_id: Id
    transcripts: list[Turn] = Field(default_factory=list)


class CallQuery(PageQuery):
    """Filters of calls."""

    key_types: ClassVar = (datetime, int)

    agent_id: IdFilter = ABSENT
    direction: Literal["inbound", "outbound"] = ABSENT
    status: CallStatus = ABSENT
    from_number: Number = ABSENT
    to_number: Number = ABSENT
    start_date: Annotated[
        FromInstant, Field(description="date or timestamp, included; without an offset it is UTC")
    ] = ABSENT
    end_date: Annotated[UntilInstant, Field(description="date (its whole day) or timestamp, included")] = ABSENT
    is_test_call: Boolean = ABSENT
