"""The queue in PostgreSQL: every method is one or two set-based statements."""

from collections.abc import Callable, Collection, Sequence

from services.scheduler.domain.run import OrgLimits
from services.scheduler.edges.arriving import Arriving
from services.scheduler.edges.dispatching import Dispatching
from services.scheduler.edges.ending import Ending
from services.scheduler.edges.rooms import Rooms
from services.scheduler.edges.statements import LOCK_ORGS_OF
from shared.db.transaction import Transaction
from shared.events.directory import DEFAULT_MAX_CONCURRENT_RUNS, DEFAULT_MAX_QUEUE_SECONDS


class SqlQueue(Arriving, Dispatching, Ending, Rooms):
    """The queue on one transaction. `poke` wakes the ticker of this process."""

    def __init__(self, transaction: Transaction, *, poke: Callable[[], None]) -> None:
        super().__init__(transaction)
        self._poke = poke

    def ask_for_tick(self) -> None:
        self._transaction.after_commit(self._poke)

    async def set_limits(self, limits: Sequence[OrgLimits]) -> None:
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
            orgs=[one.org_id for one in limits],
            slots=[one.max_concurrent_runs for one in limits],
            seconds=[one.max_queue_seconds for one in limits],
            ats=[one.said_at for one in limits],
            event_ids=[one.said_id.replace("\x00", "") for one in limits],
        )

    async def lock_orgs(self, org_ids: Collection[int]) -> None:
        if not org_ids:
            return
        ids = sorted(org_ids)
        await self._transaction.run(
            """
            INSERT INTO orgs (org_id, max_concurrent_runs, max_queue_seconds)
            SELECT id, :slots, :seconds FROM unnest(CAST(:ids AS bigint[])) AS new (id)
            WHERE NOT EXISTS (SELECT FROM orgs WHERE org_id = new.id) ORDER BY id
            ON CONFLICT DO NOTHING
            """,
            ids=ids,
            slots=DEFAULT_MAX_CONCURRENT_RUNS,
            seconds=DEFAULT_MAX_QUEUE_SECONDS,
        )
        await self._transaction.run(
            "SELECT FROM orgs WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR UPDATE", ids=ids
        )

    async def lock_orgs_of(self, *, run_ids: Collection[int] = (), request_ids: Collection[int] = ()) -> None:
        if run_ids or request_ids:
            await self._transaction.run(LOCK_ORGS_OF, runs=list(run_ids), requests=list(request_ids))
