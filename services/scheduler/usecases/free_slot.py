"""Free the slots of runs that ended."""

from collections.abc import Sequence

from services.scheduler.ports import Queue
from shared.events.executions import TestCallCompleted, TestCallFailed
from shared.messaging.messages import Heard, Say


async def free_slots(queue: Queue, heard: Sequence[Heard[TestCallCompleted | TestCallFailed]]) -> list[Say]:
    """End runs and free their slots, once each. Idempotent by run."""
    queue.follow(await queue.end({one.event.run_id for one in heard}))
    queue.ask_to_give()
    return []
