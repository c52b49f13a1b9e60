"""Free slots go to due runs, as far as the workers have room."""

from collections import Counter
from collections.abc import Collection

from services.scheduler.domain import limits
from services.scheduler.domain.run import Dispatched, Outlook
from services.scheduler.edges.statements import DISPATCH_DUE, LOCK_GIVING, LOOK
from services.scheduler.edges.telling import told
from shared.db.transaction import Transaction

GIVING_LOCK = 7_203_554  # the first key; the second is the schema's hash


class Dispatching:
    """The giving of slots, on one transaction.

    `out_of_room`: the last look found no room, or took all there was. `is_work_left`: there may be more that could go.
    """

    _transaction: Transaction
    _gives = False
    out_of_room = False
    is_work_left = False

    async def look(self) -> Outlook:
        if not self._gives:
            self._gives = True
            await self._transaction.run(LOCK_GIVING, lock=GIVING_LOCK)
        row = await self._transaction.row(
            LOOK, max_orgs=limits.MAX_ORGS_PER_TICK, heard_within_seconds=limits.ROOM_HEARD_WITHIN_SECONDS
        )
        assert row is not None  # noqa: S101 - aggregates give one row
        with_work, room = int(row.orgs_with_work), max(0, int(row.room))
        self.out_of_room = room == 0
        # Whoever holds the others may have looked already, or have nothing to give.
        self.is_work_left = len(row.orgs) < with_work or with_work >= limits.MAX_ORGS_PER_TICK
        return Outlook(row.orgs, room, is_overdue=row.is_overdue)

    async def dispatch_due(self, outlook: Outlook) -> list[Dispatched]:
        if not outlook.orgs or not outlook.room:
            return []
        max_runs = min(limits.MAX_DISPATCHES_PER_TICK, outlook.room)
        # Little room is shared: whoever has more to do than its share is served again by the next tick.
        share = min(limits.MAX_RUNS_OF_ORG_PER_TICK, -(-max_runs // len(outlook.orgs)))
        rows = await self._transaction.rows(
            DISPATCH_DUE,
            orgs=outlook.orgs,
            long_wait_seconds=limits.LONG_WAIT_SECONDS,
            max_runs=max_runs,
            max_runs_of_org=share,
            start_within_seconds=limits.START_WITHIN_SECONDS,
        )
        self.out_of_room = len(rows) >= outlook.room
        served = Counter(row.org_id for row in rows)
        self.is_work_left |= len(rows) >= max_runs or max(served.values(), default=0) >= share
        return told(rows)

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
