"""Cancel runs: those that wait are ended here, those that are dispatched are the caller's to hang up."""

from collections.abc import Collection, Sequence

from services.scheduler.domain.limits import CANCELED
from services.scheduler.ports import Queue
from services.scheduler.usecases import saying
from shared.events.requests import CancelRequested
from shared.messaging.messages import Heard, Say


async def cancel_runs(queue: Queue, heard: Sequence[Heard[CancelRequested]]) -> list[Say]:
    """End what waits, pass the rest on. What has ended stays as it is; said twice, a call is hung up once."""
    return await cancel_now(queue, {one.event.run_id for one in heard})


async def cancel_now(queue: Queue, run_ids: Collection[int]) -> list[Say]:
    """Cancel these runs, whoever has them."""
    await queue.mark_canceled(run_ids)
    return [*await end_canceled(queue, run_ids), *await pass_on(queue, run_ids)]


async def end_canceled(queue: Queue, run_ids: Collection[int]) -> list[Say]:
    """End those that are to be canceled and wait, or wait again. Their successors may be due."""
    expired = await queue.expire_canceled(run_ids)
    if expired:
        queue.ask_to_give()
        queue.wake_in(0)
    return [saying.expired(run, CANCELED) for run in expired]


async def pass_on(queue: Queue, run_ids: Collection[int]) -> list[Say]:
    """Tell the caller of those that are to be canceled and are dispatched: behind their dispatch, on its partition."""
    return [saying.cancel_passed_on(run) for run in await queue.canceled_up(run_ids)]
