"""Take over organisations' limits."""

from collections.abc import Sequence

from services.scheduler.domain.run import OrgLimits
from services.scheduler.ports import Queue
from shared.events.directory import OrgUpserted
from shared.messaging.messages import Heard, Say, newest


async def update_limits(queue: Queue, heard: Sequence[Heard[OrgUpserted]]) -> list[Say]:
    """Take over limits; those that were said last count. A lowered limit ends no call: it dispatches none."""
    last = newest(heard, lambda event: event.org_id)
    await queue.set_limits(
        [
            OrgLimits(org_id, one.event.max_concurrent_runs, one.event.max_queue_seconds, one.occurred_at, one.event_id)
            for org_id, one in last.items()
        ]
    )
    queue.ask_to_give()
    return []
