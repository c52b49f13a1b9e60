"""What is told of a call's words and sound, as events carry it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from services.caller.domain.figures import figures_of
from services.caller.domain.sound import Kept, SecondLeg, SideOfCall, Sound
from services.caller.domain.turn import Turn
from shared.events import executions
from shared.events.executions import AgentLatency, CallFigures, OwnFigures, RtpFigures, TranscriptTurn
from shared.events.recording import Recording

MS_PER_SECOND = 1_000


class ToldSound(TypedDict, total=False):
    """What an end of a call says of its sound, beside its figures."""

    answered_at: datetime | None
    recording: Recording | None
    second_leg: executions.SecondLeg | None


def told_turns(turns: Sequence[Turn]) -> tuple[TranscriptTurn, ...]:
    """Return a transcript."""
    return tuple(
        TranscriptTurn(
            role=turn.role,
            content_type=turn.content_type,
            content=turn.content.replace("\x00", "").encode("utf-8", "replace").decode(),
            start_ms=turn.start_ms,
            end_ms=turn.end_ms,
        )
        for turn in turns
    )


def told_figures(turns: Sequence[Turn], sound: Sound | Kept | None) -> CallFigures:
    """Return a call's figures: those of its words, and in a call with sound what was measured in it instead."""
    figures = CallFigures.model_validate(figures_of(turns), from_attributes=True)
    if not isinstance(sound, Sound):
        return figures
    rung = figures.model_copy(update={"set_up_ms": sound.set_up_ms, "ring_ms": sound.ring_ms})
    return rung if sound.side is None else _measured(rung, sound.side)


def _measured(figures: CallFigures, side: SideOfCall) -> CallFigures:
    measures = side.measures
    latencies = measures.agent_latencies[: executions.MAX_TURNS]
    return CallFigures(
        agent_turns=figures.agent_turns,
        bot_turns=figures.bot_turns,
        set_up_ms=figures.set_up_ms,
        ring_ms=figures.ring_ms,
        agent_latencies=tuple(AgentLatency(at_ms=max(0, one.at_ms), latency_ms=one.latency_ms) for one in latencies),
        agent_latency_p50_ms=measures.agent_latency_p50_ms,
        agent_latency_p95_ms=measures.agent_latency_p95_ms,
        agent_latency_max_ms=max((one.latency_ms for one in measures.agent_latencies), default=None),
        latency_uncertainty_ms=measures.latency_uncertainty_ms,
        agent_talk_ratio=measures.agent_talk_ratio,
        interruptions_by_agent=measures.interruptions_by_agent,
        interruptions_by_bot=measures.interruptions_by_bot,
        barge_in_stop_ms=measures.barge_in_stop_ms,
        dead_air_ms=measures.dead_air_ms,
        rtp=RtpFigures.model_validate(side.rtp, from_attributes=True),
        own=OwnFigures.model_validate(side.own, from_attributes=True),
    )


def told_sound(sound: Sound | Kept | None, started_at: datetime | None, ended_at: datetime) -> ToldSound:
    """Return what there is to tell of a call's sound; of a call in text its recording, if that."""
    if not isinstance(sound, Sound):
        return ToldSound(recording=_told_recording(sound))
    return ToldSound(
        answered_at=started_at if sound.is_sip else None,
        recording=_told_recording(sound.side.recording) if sound.side is not None else None,
        second_leg=_told_second(sound.second, started_at, ended_at) if sound.second is not None else None,
    )


def _told_second(second: SecondLeg, started_at: datetime | None, ended_at: datetime) -> executions.SecondLeg:
    held, side = second.conversation, second.side
    turns = held.turns if held is not None else ()
    figures = CallFigures.model_validate(figures_of(turns), from_attributes=True)
    return executions.SecondLeg(
        sip_call_id=second.sip_call_id,
        call_id=second.call_id,
        answered_at=started_at,
        ended_at=ended_at,
        duration_seconds=seconds_of(held.duration_ms) if held is not None else None,
        end_reason=held.end_reason if held is not None else None,
        transcript=told_turns(turns),
        figures=_measured(figures, side) if side is not None else figures,
        recording=_told_recording(side.recording) if side is not None else None,
    )


def _told_recording(kept: Kept | None) -> Recording | None:
    return None if kept is None else Recording.model_validate(kept, from_attributes=True)


def seconds_of(ms: int) -> int:
    """Return a duration in seconds, rounded up."""
    return -(-ms // MS_PER_SECOND)
