"""Let billing's answers queue runs or end them."""

from collections.abc import Sequence

from services.scheduler.ports import Queue
from shared.events.billing import FundsDeclined, FundsReserved
from shared.messaging.messages import Heard, Say


async def queue_funded(queue: Queue, heard: Sequence[Heard[FundsReserved]]) -> list[Say]:
    """Queue the runs of requests whose funds are held. Idempotent by request."""
    await queue.lock_orgs({one.event.org_id for one in heard})
    await queue.answer_funds({one.event.request_id: True for one in heard})
    queue.ask_for_tick()
    return []


async def end_declined(queue: Queue, heard: Sequence[Heard[FundsDeclined]]) -> list[Say]:
    """End the runs of declined requests; billing said so to everybody, so nothing is said. Idempotent by request."""
    declined = {one.event.request_id: False for one in heard}
    await queue.lock_orgs_of(request_ids=declined)
    await queue.answer_funds(declined)
    return []
