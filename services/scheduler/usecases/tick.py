"""One tick: expire what waited too long, then give free slots to due runs."""

from services.scheduler.domain.limits import NO_FUNDS_ANSWER, NO_SLOT, NO_TURN, UNDISPATCHABLE
from services.scheduler.domain.run import WaitedFor
from services.scheduler.ports import Queue
from services.scheduler.usecases import saying
from shared.messaging.messages import Say

REASONS: dict[WaitedFor, str] = {"funds": NO_FUNDS_ANSWER, "turn": NO_TURN, "slot": NO_SLOT}


async def tick(queue: Queue) -> list[Say]:
    """Return what became of runs. An expired run is said before any dispatch, so that its funds are free first."""
    says = [saying.expired(run, REASONS[run.waited_for]) for run in await queue.expire_overdue()]
    given = [(run, saying.dispatched(run)) for run in await queue.dispatch_due()]
    impossible = [run for run, say in given if say is None]
    await queue.end([run.run_id for run in impossible])
    says += [saying.expired(run, UNDISPATCHABLE) for run in impossible]
    return says + [say for _, say in given if say is not None]
