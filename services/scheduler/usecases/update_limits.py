"""Take over organisations' limits."""

from collections.abc import Sequence

from services.scheduler.domain.run import OrgLimits
from services.scheduler.ports import Queue
from shared.events.directory import OrgUpserted
from shared.messaging.messages import Heard, Say


async def update_limits(queue: Queue, heard: Sequence[Heard[OrgUpserted]]) -> list[Say]:
    """Take over limits; the last one of a poll counts. A lowered limit ends no call: it dispatches none."""
    last = {
        one.event.org_id: OrgLimits(one.event.org_id, one.event.max_concurrent_runs, one.event.max_queue_seconds)
        for one in heard
    }
    await queue.lock_orgs(last)
    await queue.set_limits(list(last.values()))
    queue.ask_for_tick()
    return []
