"""Give free slots to due runs: in the transaction that made them due or free, and by ticks."""

from collections.abc import Sequence

from services.scheduler.domain.limits import NO_FUNDS_ANSWER, NO_ROOM, NO_SLOT, NO_TURN, UNDISPATCHABLE
from services.scheduler.domain.run import Dispatched, WaitedFor
from services.scheduler.ports import Queue
from services.scheduler.usecases import saying
from shared.messaging.messages import Say

REASONS: dict[WaitedFor, str] = {"funds": NO_FUNDS_ANSWER, "turn": NO_TURN, "slot": NO_SLOT, "room": NO_ROOM}


async def conclude(queue: Queue) -> list[Say]:
    """Do once for a whole poll what its use cases asked for. Most of them ask for nothing."""
    if queue.is_asked_to_give:
        return await give_slots(queue)
    await queue.answer_funds(room=0)  # those that billing declined
    return []


async def give_slots(queue: Queue) -> list[Say]:
    """Return what became of runs. An expired run is said before any dispatch, so that its funds are free first.

    Runs that were funded just now go out with the answer, if they take nothing from anybody who waits. What is more
    than one transaction should do is left to the ticker.
    """
    outlook = await queue.look()
    nobody_waits = not outlook.orgs and not outlook.is_overdue
    answered = await queue.answer_funds(room=outlook.room if nobody_waits else 0)
    queue.follow(answered.due_in_seconds)
    says = await dispatch(queue, answered.dispatched)
    if outlook.is_overdue:
        queue.wake_in(0)  # others may be due a stagger after these
        says = [saying.expired(run, REASONS[run.waited_for]) for run in await queue.expire_overdue()] + says
    if outlook.is_overdue or answered.is_work_left:
        outlook = await queue.look()
    says += await dispatch(queue, await queue.dispatch_due(outlook))
    if queue.is_work_left and not queue.out_of_room:
        queue.wake_in(0)
    return says


async def dispatch(queue: Queue, runs: Sequence[Dispatched]) -> list[Say]:
    """Say the dispatches of runs that have a slot; end those whose request does not give one, and say that."""
    given = [(run, saying.dispatched(run)) for run in runs]
    impossible = [run for run, say in given if say is None]
    if impossible:  # their slots are free again
        queue.follow(await queue.end([run.run_id for run in impossible]))
        queue.wake_in(0)
    expired = [saying.expired(run, UNDISPATCHABLE) for run in impossible]
    return expired + [say for _, say in given if say is not None]
