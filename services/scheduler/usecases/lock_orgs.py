"""Lock the organisations of a whole poll at once, in the order of their ids: use cases rely on it."""

from collections.abc import Sequence
from typing import Any

from services.scheduler.ports import Queue
from shared.events.billing import FundsDeclined
from shared.events.executions import CallerRoomAnnounced, CallStarted
from shared.messaging.messages import Heard


async def lock_orgs(queue: Queue, heard: Sequence[Heard[Any]]) -> None:
    """Lock by the organisation that an event names, and the one that its run or request is known to have.

    A worker's room is no organisation's, and a start locks only where it moves a stagger's clock.
    """
    org_ids, run_ids, request_ids = set[int](), set[int](), set[int]()
    events = [one.event for one in heard]
    await queue.find_staggered(
        {one.run_id for one in events if isinstance(one, CallStarted) and one.batch_id is not None}
    )
    for event in events:
        if isinstance(event, CallerRoomAnnounced):
            continue
        if isinstance(event, CallStarted) and event.run_id not in queue.staggered_runs:
            continue
        if event.org_id is not None:
            org_ids.add(event.org_id)
        if (run_id := getattr(event, "run_id", None)) is not None:
            run_ids.add(run_id)
        if isinstance(event, FundsDeclined):
            request_ids.add(event.request_id)
    await queue.lock_orgs(org_ids, run_ids=run_ids, request_ids=request_ids)
