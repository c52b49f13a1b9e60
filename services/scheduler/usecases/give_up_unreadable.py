"""What the scheduler owes for records that it could not read: no slot and no run may hang on them."""

from collections.abc import Sequence
from datetime import datetime

from services.scheduler.domain.limits import UNREADABLE
from services.scheduler.ports import Queue
from services.scheduler.usecases import saying
from services.scheduler.usecases.cancel_runs import cancel_now, pass_on
from services.scheduler.usecases.give_slots import dispatch
from shared.messaging.messages import DeadLetter, Say
from shared.messaging.subjects import subject_ids


async def give_up_unreadable(queue: Queue, letters: Sequence[DeadLetter], *, now: datetime) -> list[Say]:
    """Go by the headers alone.

    An unreadable request is declined by billing. An unreadable FundsReserved expires its runs (billing then releases);
    an unreadable end frees the slot; an unreadable start lets the successor be due a stagger from now. After an
    unreadable return the run is dispatched once more in the slot that it has: the caller takes that only if it has
    returned the run, so a record that lied changes nothing. A cancel says nothing that its subject does not.
    """
    ended = subject_ids(letters, "TestCallCompleted", "TestCallFailed")
    started = subject_ids(letters, "CallStarted")
    returned = subject_ids(letters, "TestCallReturned")
    canceled = subject_ids(letters, "CancelRequested")
    reserved, declined = subject_ids(letters, "FundsReserved"), subject_ids(letters, "FundsDeclined")
    await queue.lock_orgs(run_ids=ended | started | returned | canceled, request_ids=reserved | declined)
    queue.follow(await queue.mark_started(dict.fromkeys(started, now)))
    queue.follow(await queue.end(ended))
    queue.note_funds(declined, reserved=False)
    expired = await queue.expire_request(reserved)
    again = await dispatch(queue, await queue.dispatch_again(returned))
    cancels = [*await cancel_now(queue, canceled), *await pass_on(queue, returned)]
    if ended:
        queue.ask_to_give()
    return [saying.expired(run, UNREADABLE) for run in expired] + again + cancels
