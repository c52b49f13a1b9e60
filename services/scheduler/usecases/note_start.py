"""Start the stagger clock of the next run."""

from collections.abc import Sequence

from services.scheduler.ports import Queue
from shared.events.executions import CallStarted
from shared.messaging.messages import Heard, Say


async def note_starts(queue: Queue, heard: Sequence[Heard[CallStarted]]) -> list[Say]:
    """Note actual starts: each successor in a batch is due its stagger later. Idempotent by run."""
    started = {one.event.run_id: one.event.started_at for one in reversed(heard) if one.event.batch_id is not None}
    await queue.lock_orgs_of(run_ids=started)
    await queue.mark_started(started)
    queue.ask_for_tick()
    return []
