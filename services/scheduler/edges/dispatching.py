"""Free slots go to due runs, as far as the workers have room."""

from collections.abc import Collection

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.domain.run import Dispatched
from services.scheduler.edges.statements import DISPATCH_DUE, LOCK_ORGS_WITH_WORK, LOCK_ROOM, ROOM
from shared.db.transaction import Transaction

ROOM_LOCK = 7_203_554  # the first key; the second is the schema's hash


class Dispatching:
    """The giving of slots, on one transaction. `out_of_room`: the last look found no room, or took all there was."""

    out_of_room = False

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def dispatch_due(self) -> list[Dispatched]:
        orgs = await self._transaction.rows(LOCK_ORGS_WITH_WORK, max_orgs=limits.MAX_ORGS_PER_TICK)
        if not orgs:
            return []
        await self._transaction.run(LOCK_ROOM, lock=ROOM_LOCK)
        room = int(await self._transaction.value(ROOM, heard_within_seconds=limits.ROOM_HEARD_WITHIN_SECONDS))
        if room <= 0:
            self.out_of_room = True
            return []
        max_runs = min(limits.MAX_DISPATCHES_PER_TICK, room)
        rows = await self._transaction.rows(
            DISPATCH_DUE,
            orgs=[org.org_id for org in orgs],
            long_wait_seconds=limits.LONG_WAIT_SECONDS,
            max_runs=max_runs,
            # Little room is shared: whoever has more to do than its share is served again by the next tick.
            max_runs_of_org=min(limits.MAX_RUNS_OF_ORG_PER_TICK, -(-max_runs // len(orgs))),
            start_within_seconds=limits.START_WITHIN_SECONDS,
        )
        self.out_of_room = len(rows) >= room
        metrics.DISPATCHED.inc(len(rows))
        for row in rows:
            metrics.QUEUE_SECONDS.observe(max(0.0, float(row.queued_seconds)))
        return [Dispatched(*row[:-1]) for row in rows]

    async def dispatch_again(self, run_ids: Collection[int]) -> list[Dispatched]:
        if not run_ids:
            return []
        rows = await self._transaction.rows(
            """
            WITH again AS (
                UPDATE runs SET dispatch_no = dispatch_no + 1, dispatched_at = now()
                WHERE run_id = ANY(CAST(:ids AS bigint[])) AND status = 'dispatched'
                RETURNING *
            )
            SELECT again.run_id, again.org_id, again.request_id, again.batch_id, again.prompt_index, requests.payload,
                   now() + make_interval(secs => :start_within_seconds), again.dispatched_at, again.dispatch_no,
                   again.traceparent
            FROM again LEFT JOIN requests USING (request_id)
            """,
            ids=list(run_ids),
            start_within_seconds=limits.START_WITHIN_SECONDS,
        )
        return [Dispatched(*row) for row in rows]
