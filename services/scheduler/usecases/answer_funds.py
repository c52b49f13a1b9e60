"""Let billing's answers queue runs or end them."""

from collections.abc import Sequence

from services.scheduler.ports import Queue
from shared.events.billing import FundsDeclined, FundsReserved
from shared.messaging.messages import Heard, Say


async def queue_funded(queue: Queue, heard: Sequence[Heard[FundsReserved]]) -> list[Say]:
    """Let the runs of requests whose funds are held go out, or queue. Idempotent by request."""
    queue.note_funds([one.event.request_id for one in heard], reserved=True)
    queue.ask_to_give()
    return []


async def end_declined(queue: Queue, heard: Sequence[Heard[FundsDeclined]]) -> list[Say]:
    """End the runs of declined requests; billing said so to everybody, so nothing is said. Idempotent by request."""
    queue.note_funds([one.event.request_id for one in heard], reserved=False)
    return []
