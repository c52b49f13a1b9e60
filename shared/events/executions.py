"""Topic `test-call-executions`: what happened on the line."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.admissions import MAX_SENTENCE_CHARS, DispatchNo
from shared.events.event import Event, Part
from shared.events.fields import (
    E164,
    MAX_INTEGER,
    Count,
    Direction,
    EndReason,
    Id,
    Instant,
    Name,
    Seconds,
    ShortText,
    Text,
)
from shared.events.recording import Recording

MAX_TURNS = 500
MAX_TURN_CHARS = 10_000
MAX_CALLS_LIMIT = 10_000
MAX_SIP_CALL_ID_CHARS = 255

Role = Literal["user", "assistant", "tool_call", "tool_response"]
Milliseconds = Annotated[float, Field(ge=0, le=MAX_INTEGER, allow_inf_nan=False)]
# A Call-ID as it came with the INVITE: visible ASCII. Source: RFC 3261, 25.1 (word, "@").
SipCallId = Annotated[str, Field(pattern=r"^[!-~]+\z", max_length=MAX_SIP_CALL_ID_CHARS)]


class TranscriptTurn(Part):
    """One utterance or tool use. Milliseconds from the call's start, in the call's own time."""

    role: Role
    content_type: Literal["text/plain", "application/json"]
    content: Annotated[ShortText, Field(max_length=MAX_TURN_CHARS)]
    start_ms: Count
    end_ms: Count


class RtpFigures(Part):
    """What the network did to what came from the agent. Packets; jitter as in RFC 3550, 6.4.1."""

    received: Count = 0
    lost: Count = 0
    jitter_ms: Milliseconds | None = None
    concealed_ms: Count = 0


class OwnFigures(Part):
    """What our own speech recognition, mind and speech took in all, so that it is not blamed on the agent."""

    stt_ms: Count | None = None
    llm_ms: Count | None = None
    tts_ms: Count | None = None


class AgentLatency(Part):
    """How long the agent took to answer what the bot had said until `at_ms` of the call."""

    at_ms: Count
    latency_ms: Count


class CallFigures(Part):
    """What an engineer asks about first. Latency = end of the bot's speech → start of the agent's, in ms.

    Each latency is right within `latency_uncertainty_ms`. None: not known, or nothing to know (a call of text has
    no ring and no dead air).
    """

    agent_turns: Count
    bot_turns: Count
    agent_latency_p50_ms: Count | None
    agent_latency_max_ms: Count | None
    agent_talk_ratio: Annotated[float, Field(ge=0, le=1)] | None
    set_up_ms: Count | None = None
    ring_ms: Count | None = None
    agent_latencies: Annotated[tuple[AgentLatency, ...], Field(max_length=MAX_TURNS)] = ()
    agent_latency_p95_ms: Count | None = None
    latency_uncertainty_ms: Count | None = None
    interruptions_by_agent: Count | None = None
    interruptions_by_bot: Count | None = None
    barge_in_stop_ms: Count | None = None
    dead_air_ms: Count | None = None
    rtp: RtpFigures | None = None
    own: OwnFigures | None = None


class SecondLeg(Part):
    """The inbound leg of a call over SIP, as its own end saw it: who answered, what was said, what was recorded.

    `call_id` is the id that the inbound webhook gave, None if it gave none; `sip_call_id` the Call-ID of the INVITE.
    """

    sip_call_id: SipCallId
    call_id: Id | None = None
    answered_at: Instant | None = None
    ended_at: Instant | None = None
    duration_seconds: Seconds | None = None
    end_reason: EndReason | None = None
    transcript: Annotated[tuple[TranscriptTurn, ...], Field(max_length=MAX_TURNS)] = ()
    figures: CallFigures | None = None
    recording: Recording | None = None


class CallStarted(Event):
    """The call was placed at `started_at` (the database's clock, not before the placing). Direction: the agent's.

    `answered_at` is known of calls over SIP.
    """

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
    answered_at: Instant | None = None


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
    answered_at: Instant | None = None
    recording: Recording | None = None
    second_leg: SecondLeg | None = None


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
    answered_at: Instant | None = None
    recording: Recording | None = None
    second_leg: SecondLeg | None = None


class RecordingSettled(Event):
    """What became of a recording that did not lie in the store when its call ended: it does by now, or never will.

    `call_id` is the first leg's, or the second's where the inbound webhook gave it one; `is_second_leg` tells whose.
    """

    run_id: Id
    org_id: Id
    call_id: Id | None
    is_second_leg: bool = False
    recording: Recording


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
