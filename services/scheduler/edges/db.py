"""The queue in PostgreSQL: every method is one or two set-based statements."""

from collections.abc import Callable, Sequence

from services.scheduler.domain import limits
from services.scheduler.domain.run import OrgLimits
from services.scheduler.edges.arriving import Arriving
from services.scheduler.edges.dispatching import Dispatching
from services.scheduler.edges.ending import Ending
from services.scheduler.edges.expiring import Expiring
from services.scheduler.edges.funds import Funds
from services.scheduler.edges.locking import Locking
from services.scheduler.edges.rooms import Rooms
from shared.db.transaction import Transaction

Wake = Callable[[float], None]


class SqlQueue(Locking, Arriving, Funds, Dispatching, Ending, Expiring, Rooms):
    """The queue on one transaction. `wake` lets the ticker of this process look in so many seconds."""

    def __init__(self, transaction: Transaction, *, wake: Wake) -> None:
        self._transaction = transaction
        self._answers = {}
        self._wake = wake
        self.is_asked_to_give = False

    def ask_to_give(self) -> None:
        self.is_asked_to_give = True

    def follow(self, due_in_seconds: float | None) -> None:
        if due_in_seconds is not None and due_in_seconds <= 0:
            self.ask_to_give()
        elif due_in_seconds is not None:
            self.wake_in(due_in_seconds)

    def wake_in(self, seconds: float) -> None:
        if seconds < limits.FALLBACK_LOOK_SECONDS:  # the ticker looks before of its own accord
            self._transaction.after_commit(lambda: self._wake(seconds))

    async def set_limits(self, said: Sequence[OrgLimits]) -> None:
        await self._transaction.run(
            """
            UPDATE orgs SET max_concurrent_runs = new.slots, max_queue_seconds = new.seconds,
                            limits_said_at = new.said_at, limits_said_id = new.said_id
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:slots AS integer[]), CAST(:seconds AS integer[]),
                        CAST(:ats AS timestamptz[]), CAST(:event_ids AS text[]))
                 AS new (org_id, slots, seconds, said_at, said_id)
            WHERE orgs.org_id = new.org_id
              AND (orgs.limits_said_at, orgs.limits_said_id) < (new.said_at, new.said_id)
            """,
            orgs=[one.org_id for one in said],
            slots=[one.max_concurrent_runs for one in said],
            seconds=[one.max_queue_seconds for one in said],
            ats=[one.said_at for one in said],
            event_ids=[one.said_id.replace("\x00", "") for one in said],
        )
