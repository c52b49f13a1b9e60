"""The caller's events, from what happened on the line."""

from datetime import datetime

from services.caller.domain.attempt import Claimed, Ended, GivenUp, Returned
from services.caller.usecases.telling import seconds_of, told_figures, told_sound, told_turns
from shared.events.admissions import TestCallDispatched
from shared.events.executions import (
    CallStarted,
    TestCallCompleted,
    TestCallFailed,
    TestCallReturned,
)
from shared.messaging.messages import Say


def started(claimed: Claimed, dispatch: TestCallDispatched, started_at: datetime, traceparent: str | None) -> Say:
    """Return CallStarted. Direction and numbers are the agent's: an outbound run makes an inbound call log."""
    target = dispatch.target
    outbound = dispatch.direction == "outbound"
    return Say(
        CallStarted(
            run_id=claimed.run_id,
            org_id=dispatch.org_id,
            batch_id=dispatch.batch_id,
            call_id=claimed.call_id,
            agent_id=target.agent_id,
            direction="inbound" if outbound else "outbound",
            from_number=target.bot_number if outbound else target.agent_number,
            to_number=target.agent_number if outbound else target.bot_number,
            product=target.product,
            voice=target.voice,
            started_at=started_at,
        ),
        traceparent,
    )


def ended(
    claimed: Claimed,
    dispatch: TestCallDispatched,
    end: Ended,
    traceparent: str | None,
    *,
    started_at: datetime | None,
    ended_at: datetime,
) -> Say:
    """Return TestCallCompleted or TestCallFailed. Duration: from answer to hang-up, rounded up."""
    held = end.conversation
    transcript = told_turns(held.turns)
    figures = told_figures(held.turns, end.sound)
    sound = told_sound(end.sound, started_at, ended_at)
    seconds = seconds_of(held.duration_ms)
    if end.completed and started_at is not None:
        return Say(
            TestCallCompleted(
                run_id=claimed.run_id,
                org_id=dispatch.org_id,
                batch_id=dispatch.batch_id,
                call_id=claimed.call_id,
                started_at=started_at,
                ended_at=ended_at,
                duration_seconds=seconds,
                end_reason=held.end_reason,
                transcript=transcript,
                figures=figures,
                **sound,
            ),
            traceparent,
        )
    return Say(
        TestCallFailed(
            run_id=claimed.run_id,
            org_id=dispatch.org_id,
            batch_id=dispatch.batch_id,
            call_id=claimed.call_id if started_at is not None else None,
            started_at=started_at,
            ended_at=ended_at,
            duration_seconds=seconds if started_at is not None else None,
            error_message=end.failure,
            transcript=transcript,
            figures=figures,
            **sound,
        ),
        traceparent,
    )


def failed(given_up: GivenUp) -> Say:
    """Return TestCallFailed of an attempt that ended without a worker.

    Its duration is what is certain: the call was up when its lease was renewed last, and may have been a little longer.
    """
    return Say(
        TestCallFailed(
            run_id=given_up.run_id,
            org_id=given_up.org_id,
            batch_id=given_up.batch_id,
            call_id=given_up.call_id if given_up.started_at is not None else None,
            started_at=given_up.started_at,
            ended_at=given_up.ended_at,
            duration_seconds=seconds_of(given_up.talked_ms or 0) if given_up.started_at is not None else None,
            error_message=given_up.reason,
            transcript=(),
            figures=None,
        ),
        given_up.traceparent,
    )


def returned(one: Returned) -> Say:
    """Return TestCallReturned: the run is the scheduler's again."""
    return Say(
        TestCallReturned(
            run_id=one.run_id,
            org_id=one.org_id,
            batch_id=one.batch_id,
            dispatch_no=one.dispatch_no,
            returned_at=one.returned_at,
        ),
        one.traceparent,
    )
