"""What the scheduler owes for records that it could not read: no slot and no run may hang on them."""

from collections.abc import Sequence
from datetime import datetime

from services.scheduler.domain.limits import UNREADABLE
from services.scheduler.ports import Queue
from services.scheduler.usecases import saying
from shared.messaging.messages import DeadLetter, Say
from shared.messaging.subjects import subject_ids


async def give_up_unreadable(queue: Queue, letters: Sequence[DeadLetter], *, now: datetime) -> list[Say]:
    """Go by the headers alone.

    An unreadable request is declined by billing. An unreadable FundsReserved expires its runs (billing then releases);
    an unreadable end frees the slot; an unreadable start lets the successor be due a stagger from now.
    """
    ended = subject_ids(letters, "TestCallCompleted", "TestCallFailed")
    started = subject_ids(letters, "CallStarted")
    await queue.lock_orgs_of_runs(ended | started)
    await queue.mark_started(dict.fromkeys(started, now))
    await queue.end(ended)
    await queue.answer_funds(dict.fromkeys(subject_ids(letters, "FundsDeclined"), False))
    expired = await queue.expire_request(subject_ids(letters, "FundsReserved"))
    queue.ask_for_tick()
    return [saying.expired(run, UNREADABLE) for run in expired]
