"""Follow runs: started, completed, failed, expired. What is heard is noted here, and written when the poll ends."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from services.api.domain.progress import NO_TURNS, Call
from services.api.domain.transitions import Completed, Failed, GivenUp, Started
from services.api.ports import Picture
from shared.events.admissions import TestCallExpired
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed, TranscriptTurn
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
        )
        picture.notes.of_run(event.run_id, completed)
    return []


async def fail_calls(picture: Picture, heard: Sequence[Heard[TestCallFailed]]) -> list[Say]:
    """Fail runs and their calls, if there was one."""
    for one in heard:
        event = one.event
        failed = Failed(event.ended_at, event.duration_seconds, event.error_message, _json(event.transcript))
        picture.notes.of_run(event.run_id, failed)
    return []


def _json(turns: tuple[TranscriptTurn, ...]) -> str:
    return _TURNS.dump_json(turns).decode() if turns else NO_TURNS
