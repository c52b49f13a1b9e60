"""Take back dispatches that no worker had room for."""

from collections.abc import Sequence

from services.scheduler.ports import Queue
from services.scheduler.usecases.cancel_runs import end_canceled
from shared.events.executions import TestCallReturned
from shared.messaging.messages import Heard, Say


async def take_back(queue: Queue, heard: Sequence[Heard[TestCallReturned]]) -> list[Say]:
    """Queue runs again, with the time that they have left. Idempotent by run and dispatch: an older return is late.

    What is to be canceled is not queued again.
    """
    returned: dict[int, int] = {}
    for one in heard:
        returned[one.event.run_id] = max(one.event.dispatch_no, returned.get(one.event.run_id, 0))
    await queue.take_back(returned)
    canceled = await end_canceled(queue, returned)
    queue.ask_to_give()
    queue.wake_in(0)  # what little time they have left may be over before anybody looks
    return canceled
