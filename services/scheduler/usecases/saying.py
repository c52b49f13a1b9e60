"""The scheduler's events, from what became of runs."""

from functools import lru_cache

from services.scheduler.domain.run import Canceled, Dispatched, Expired
from shared.events.admissions import CancelPassedOn, TestCallDispatched, TestCallExpired
from shared.events.requests import TestCallRequested
from shared.messaging.messages import Say

PARSED_REQUESTS = 512


def dispatched(run: Dispatched) -> Say | None:
    """Return TestCallDispatched, None if the run's request does not give one: one run must not stop the others."""
    try:
        request = _parsed(run.payload or "")
        event = TestCallDispatched(
            run_id=run.run_id,
            org_id=run.org_id,
            request_id=run.request_id,
            batch_id=run.batch_id,
            prompt=request.prompts[run.prompt_index],
            direction=request.direction,
            mode=request.mode,
            target=request.target,
            held_minutes=request.price.held_minutes,
            start_before=run.start_before,
            dispatch_no=run.dispatch_no,
            conditions=request.conditions,
            recording=request.recording,
        )
    except (ValueError, IndexError):
        return None
    return Say(event, run.traceparent)


def expired(run: Expired | Dispatched, reason: str) -> Say:
    """Return TestCallExpired. A run that was about to be dispatched may still be given up: nobody has heard of it."""
    return Say(
        TestCallExpired(
            run_id=run.run_id,
            org_id=run.org_id,
            request_id=run.request_id,
            batch_id=run.batch_id,
            reason=reason,
            expired_at=run.dispatched_at if isinstance(run, Dispatched) else run.expired_at,
        ),
        run.traceparent,
    )


def cancel_passed_on(run: Canceled) -> Say:
    """Return CancelPassedOn."""
    event = CancelPassedOn(run_id=run.run_id, org_id=run.org_id, request_id=run.request_id, batch_id=run.batch_id)
    return Say(event, run.traceparent)


@lru_cache(maxsize=PARSED_REQUESTS)
def _parsed(payload: str) -> TestCallRequested:
    return TestCallRequested.model_validate_json(payload)
