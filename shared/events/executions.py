"""Topic `test-call-executions`: what happened on the line."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.admissions import MAX_SENTENCE_CHARS, DispatchNo
from shared.events.event import Event, Part
from shared.events.fields import E164, Count, Direction, EndReason, Id, Instant, Name, Seconds, ShortText, Text

MAX_TURNS = 500
MAX_TURN_CHARS = 10_000
MAX_CALLS_LIMIT = 10_000

Role = Literal["user", "assistant", "tool_call", "tool_response"]


class TranscriptTurn(Part):
    """One utterance or tool use. Milliseconds from the call's start, in the call's own time."""

    role: Role
    content_type: Literal["text/plain", "application/json"]
    content: Annotated[ShortText, Field(max_length=MAX_TURN_CHARS)]
    start_ms: Count
    end_ms: Count


class CallFigures(Part):
    """What an engineer asks about first. Latency = end of the bot's speech → start of the agent's, in ms."""

    agent_turns: Count
    bot_turns: Count
    agent_latency_p50_ms: Count | None
    agent_latency_max_ms: Count | None
    agent_talk_ratio: Annotated[float, Field(ge=0, le=1)] | None


class CallStarted(Event):
    """The call was placed at `started_at` (the database's clock, not before the placing). Direction: the agent's."""

    run_id: Id
    org_id: Id
    batch_id: Id | None
    call_id: Id
    agent_id: Id
    direction: Direction
    from_number: E164
    to_number: E164
    product: Name
    voice: Name
    started_at: Instant


class TestCallCompleted(Event):
    """The call was answered and ended in order; it is charged. `duration_seconds`: answer to hang-up, rounded up."""

    run_id: Id
    org_id: Id
    batch_id: Id | None
    call_id: Id
    started_at: Instant
    ended_at: Instant
    duration_seconds: Seconds
    end_reason: EndReason
    transcript: Annotated[tuple[TranscriptTurn, ...], Field(max_length=MAX_TURNS)]
    figures: CallFigures


class TestCallFailed(Event):
    """The run ended without a call that can be charged. Everything about a call is null if none was placed.

    A dead-lettered dispatch is failed by its `ce_subject` alone, so the organisation may be unknown.
    """

    run_id: Id
    org_id: Id | None
    batch_id: Id | None
    call_id: Id | None
    started_at: Instant | None
    ended_at: Instant
    duration_seconds: Seconds | None
    error_message: Annotated[Text, Field(min_length=1, max_length=MAX_SENTENCE_CHARS)]
    transcript: Annotated[tuple[TranscriptTurn, ...], Field(max_length=MAX_TURNS)]
    figures: CallFigures | None


class TestCallReturned(Event):
    """No worker had room before `start_before`: the run was not dialled under this dispatch, and never will be."""

    run_id: Id
    org_id: Id
    batch_id: Id | None
    dispatch_no: DispatchNo
    returned_at: Instant


class CallerRoomAnnounced(Event):
    """A worker lives and takes up to `calls_limit` calls, 0 when it takes no more; it holds `calls_up`. Repeated."""

    worker_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}\z")]
    calls_limit: Annotated[int, Field(strict=True, ge=0, le=MAX_CALLS_LIMIT)]
    calls_up: Annotated[int, Field(strict=True, ge=0, le=MAX_CALLS_LIMIT)] = 0
    announced_at: Instant
