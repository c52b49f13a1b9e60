"""Start the stagger clock of the next run."""

from collections.abc import Sequence

from services.scheduler.ports import Queue
from shared.events.executions import CallStarted
from shared.messaging.messages import Heard, Say


async def note_starts(queue: Queue, heard: Sequence[Heard[CallStarted]]) -> list[Say]:
    """Note actual starts: each successor in a batch is due its stagger later. Idempotent by run.

    A start in a batch without a stagger moves no clock: nothing is written, or asked, for it. (One in no batch is not
    heard.)
    """
    started = {
        one.event.run_id: one.event.started_at for one in reversed(heard) if one.event.run_id in queue.staggered_runs
    }
    queue.follow(await queue.mark_started(started))
    return []
