"""One tick: expire what waited too long, then give free slots to due runs."""

from collections.abc import Sequence

from services.scheduler.domain.limits import NO_FUNDS_ANSWER, NO_ROOM, NO_SLOT, NO_TURN, UNDISPATCHABLE
from services.scheduler.domain.run import Dispatched, WaitedFor
from services.scheduler.ports import Queue
from services.scheduler.usecases import saying
from shared.messaging.messages import Say

REASONS: dict[WaitedFor, str] = {"funds": NO_FUNDS_ANSWER, "turn": NO_TURN, "slot": NO_SLOT, "room": NO_ROOM}


async def tick(queue: Queue) -> list[Say]:
    """Return what became of runs. An expired run is said before any dispatch, so that its funds are free first."""
    says = [saying.expired(run, REASONS[run.waited_for]) for run in await queue.expire_overdue()]
    return says + await dispatch(queue, await queue.dispatch_due())


async def dispatch(queue: Queue, runs: Sequence[Dispatched]) -> list[Say]:
    """Say the dispatches of runs that have a slot; end those whose request does not give one, and say that."""
    given = [(run, saying.dispatched(run)) for run in runs]
    impossible = [run for run, say in given if say is None]
    await queue.end([run.run_id for run in impossible])
    expired = [saying.expired(run, UNDISPATCHABLE) for run in impossible]
    return expired + [say for _, say in given if say is not None]
