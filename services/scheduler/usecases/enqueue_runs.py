"""Put the runs of accepted requests into the queue."""

from collections.abc import Sequence

from services.scheduler.domain.run import NewRun
from services.scheduler.ports import Queue
from shared.events.requests import TestCallRequested
from shared.messaging.messages import Heard, Say


async def enqueue_runs(queue: Queue, heard: Sequence[Heard[TestCallRequested]]) -> list[Say]:
    """Add runs as waiting for funds; if billing's answer came first, apply it. Idempotent by run.

    The first run of a batch is due at once; with a stagger each other one is due after its predecessor's start.
    """
    await queue.lock_orgs({one.event.org_id for one in heard})
    runs = []
    payloads = {}
    for one in heard:
        event = one.event
        payloads[event.request_id] = event.model_dump_json()
        for position, run in enumerate(event.runs):
            at_once = position == 0 or event.stagger_seconds == 0
            runs.append(
                NewRun(
                    run_id=run.run_id,
                    org_id=event.org_id,
                    request_id=event.request_id,
                    batch_id=event.batch_id,
                    position=position,
                    prompt_index=run.prompt_index,
                    stagger_seconds=event.stagger_seconds if len(event.runs) > 1 else 0,
                    due_at=event.requested_at if at_once else None,
                    requested_at=event.requested_at,
                    traceparent=one.traceparent,
                )
            )
    await queue.add_runs(runs, payloads)
    stubs = await queue.take_funds_stubs(payloads)
    await queue.answer_funds(stubs)
    queue.ask_for_tick()
    return []
