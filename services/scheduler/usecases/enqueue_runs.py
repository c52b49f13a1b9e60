"""Put the runs of accepted requests into the queue."""

from collections.abc import Sequence

from services.scheduler.domain.run import NewRequest
from services.scheduler.ports import Queue
from shared.events.requests import TestCallRequested
from shared.messaging.messages import Heard, Say


async def enqueue_runs(queue: Queue, heard: Sequence[Heard[TestCallRequested]]) -> list[Say]:
    """Add runs as waiting for funds; if billing's answer came first, apply it. Idempotent by run."""
    arrived = await queue.add_requests([_request(one.event, one.traceparent) for one in heard])
    queue.note_funds(arrived.reserved, reserved=True)
    queue.note_funds(arrived.declined, reserved=False)
    if arrived.reserved:
        queue.ask_to_give()
    if arrived.expire_in_seconds is not None:
        queue.wake_in(arrived.expire_in_seconds)
    return []


def _request(event: TestCallRequested, traceparent: str | None) -> NewRequest:
    return NewRequest(
        request_id=event.request_id,
        org_id=event.org_id,
        batch_id=event.batch_id,
        stagger_seconds=event.stagger_seconds if len(event.runs) > 1 else 0,
        requested_at=event.requested_at,
        runs=[(run.run_id, run.prompt_index) for run in event.runs],
        traceparent=traceparent,
        payload=event.model_dump_json(),
    )
