"""Follow runs: started, completed, failed, expired. What is heard is noted here, and written when the poll ends."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from services.api.domain.progress import NO_TURNS, Call
from services.api.domain.recordings import LegEnd, Recorded
from services.api.domain.transitions import Completed, Failed, GivenUp, RecordingTold, Started
from services.api.ports import Picture
from shared.events.admissions import TestCallExpired
from shared.events.executions import (
    CallFigures,
    CallStarted,
    RecordingSettled,
    SecondLeg,
    TestCallCompleted,
    TestCallFailed,
    TranscriptTurn,
)
from shared.events.recording import Recording
from shared.messaging.messages import Heard, Say

_TURNS = TypeAdapter(tuple[TranscriptTurn, ...])


async def fail_expired(picture: Picture, heard: Sequence[Heard[TestCallExpired]]) -> list[Say]:
    """Fail queued runs that were given up before their dispatch."""
    for one in heard:
        picture.notes.of_run(one.event.run_id, GivenUp(one.event.reason, one.event.expired_at))
    return []


async def start_calls(picture: Picture, heard: Sequence[Heard[CallStarted]]) -> list[Say]:
    """Put runs in progress, with their calls."""
    for one in heard:
        event = one.event
        call = Call(
            call_id=event.call_id,
            agent_id=event.agent_id,
            direction=event.direction,
            from_number=event.from_number,
            to_number=event.to_number,
            product=event.product,
            voice=event.voice,
            start_time=event.started_at,
            sip_answered_at=event.answered_at,
        )
        picture.notes.of_run(event.run_id, Started(call))
    return []


async def complete_calls(picture: Picture, heard: Sequence[Heard[TestCallCompleted]]) -> list[Say]:
    """Complete runs and their calls, with transcripts."""
    for one in heard:
        event = one.event
        completed = Completed(
            call_id=event.call_id,
            started_at=event.started_at,
            ended_at=event.ended_at,
            duration_seconds=event.duration_seconds,
            end_reason=event.end_reason,
            transcript=_json(event.transcript),
            figures=_figures(event.figures),
            answered_at=event.answered_at,
            recorded=_recorded(event.call_id, event.recording),
            second_leg=_leg(event.second_leg),
        )
        picture.notes.of_run(event.run_id, completed)
    return []


async def fail_calls(picture: Picture, heard: Sequence[Heard[TestCallFailed]]) -> list[Say]:
    """Fail runs and their calls, if there was one."""
    for one in heard:
        event = one.event
        failed = Failed(
            ended_at=event.ended_at,
            duration_seconds=event.duration_seconds,
            error_message=event.error_message,
            transcript=_json(event.transcript),
            figures=_figures(event.figures),
            answered_at=event.answered_at,
            recorded=_recorded(event.call_id, event.recording),
            second_leg=_leg(event.second_leg),
        )
        picture.notes.of_run(event.run_id, failed)
    return []


async def note_recordings(picture: Picture, heard: Sequence[Heard[RecordingSettled]]) -> list[Say]:
    """Note what became of recordings that were on their way when their calls ended."""
    for one in heard:
        event = one.event
        recorded = _recorded(event.call_id, event.recording, is_settled=True)
        if recorded is not None:
            picture.notes.of_run(event.run_id, RecordingTold(recorded, event.is_second_leg))
    return []


def _recorded(call_id: int | None, recording: Recording | None, *, is_settled: bool = False) -> Recorded | None:
    """Return what is to be kept of a recording, None where none was wanted. Whose a second leg's is, its run knows."""
    if recording is None or recording.mode == "disabled_by_config":
        return None
    is_stored = recording.is_stored and recording.name is not None and recording.mode == "recording"
    return Recorded(
        call_id=call_id or 0,
        mode=recording.mode,
        name=recording.name,
        peaks_name=recording.peaks_name,
        is_stored=is_stored,
        is_settled=is_settled or is_stored or recording.mode != "recording",
        size_bytes=recording.bytes,
        duration_ms=recording.duration_ms,
        started_at=recording.started_at,
    )


def _leg(leg: SecondLeg | None) -> LegEnd | None:
    if leg is None:
        return None
    return LegEnd(
        ended_at=leg.ended_at,
        duration_seconds=leg.duration_seconds,
        end_reason=leg.end_reason,
        transcript=_json(leg.transcript),
        figures=_figures(leg.figures),
        answered_at=leg.answered_at,
        recorded=_recorded(None, leg.recording),
    )


def _figures(figures: CallFigures | None) -> str | None:
    return figures.model_dump_json() if figures is not None else None


def _json(turns: tuple[TranscriptTurn, ...]) -> str:
    return _TURNS.dump_json(turns).decode() if turns else NO_TURNS
