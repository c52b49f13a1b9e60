"""Free slots go to due runs."""

from services.scheduler.domain import limits
from services.scheduler.domain.run import Dispatched
from services.scheduler.edges.statements import DISPATCH_DUE, LOCK_ORGS_WITH_WORK
from shared.db.transaction import Transaction
from shared.telemetry import metrics


class Dispatching:
    """The giving of slots, on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def dispatch_due(self) -> list[Dispatched]:
        orgs = await self._transaction.rows(LOCK_ORGS_WITH_WORK, max_orgs=limits.MAX_ORGS_PER_TICK)
        if not orgs:
            return []
        rows = await self._transaction.rows(
            DISPATCH_DUE,
            orgs=[org.org_id for org in orgs],
            long_wait_seconds=limits.LONG_WAIT_SECONDS,
            max_runs=limits.MAX_DISPATCHES_PER_TICK,
            max_runs_of_org=limits.MAX_RUNS_OF_ORG_PER_TICK,
            start_within_seconds=limits.START_WITHIN_SECONDS,
        )
        metrics.DISPATCHED.inc(len(rows))
        for row in rows:
            metrics.QUEUE_SECONDS.observe(max(0.0, float(row.queued_seconds)))
        return [Dispatched(*row[:-1]) for row in rows]
