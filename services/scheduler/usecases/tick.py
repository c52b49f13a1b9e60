"""One tick: expire what waited too long, then give free slots to due runs."""

from functools import lru_cache

from services.scheduler.domain.limits import NO_FUNDS_ANSWER, NO_SLOT
from services.scheduler.domain.run import Expired
from services.scheduler.ports import Queue
from shared.events.admissions import TestCallDispatched, TestCallExpired
from shared.events.requests import TestCallRequested
from shared.messaging.messages import Say

PARSED_REQUESTS = 512


async def tick(queue: Queue) -> list[Say]:
    """Return what became of runs. An expired run is said before any dispatch, so that its funds are free first."""
    expired = [expiry(run, NO_SLOT if run.was_queued else NO_FUNDS_ANSWER) for run in await queue.expire_overdue()]
    says = []
    for run in await queue.dispatch_due():
        request = _parsed(run.payload)
        says.append(
            Say(
                TestCallDispatched(
                    run_id=run.run_id,
                    org_id=request.org_id,
                    request_id=request.request_id,
                    batch_id=request.batch_id,
                    prompt=request.prompts[run.prompt_index],
                    direction=request.direction,
                    mode=request.mode,
                    target=request.target,
                    held_minutes=request.price.held_minutes,
                    start_before=run.start_before,
                ),
                run.traceparent,
            )
        )
    return expired + says


def expiry(run: Expired, reason: str) -> Say:
    """Return the event of an expired run."""
    return Say(
        TestCallExpired(
            run_id=run.run_id,
            org_id=run.org_id,
            request_id=run.request_id,
            batch_id=run.batch_id,
            reason=reason,
            expired_at=run.expired_at,
        ),
        run.traceparent,
    )


@lru_cache(maxsize=PARSED_REQUESTS)
def _parsed(payload: str) -> TestCallRequested:
    return TestCallRequested.model_validate_json(payload)
