"""Cancelling in PostgreSQL: rows are locked in the order in which the picture locks them."""

from collections.abc import Sequence
from datetime import datetime

from services.api import metrics
from services.api.domain.canceling import OpenRun
from services.api.ports import Awaited
from services.api.usecases.cancel_runs import cancel_runs
from shared.db.database import Database
from shared.db.transaction import Transaction
from shared.messaging.outbox import Outbox

LOCK = """
SELECT id, request_id, batch_id, cancel_requested_at IS NOT NULL AS is_asked, completed_at IS NULL AS is_open
FROM runs WHERE org_id = :org_id AND {key} = :id ORDER BY id FOR NO KEY UPDATE
"""
LOCK_OF = {"run": LOCK.format(key="id"), "batch": LOCK.format(key="batch_id")}


class SqlCancels:
    """Cancelling on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def lock(self, asked: Awaited) -> list[OpenRun] | None:
        rows = await self._transaction.rows(LOCK_OF[asked.kind], org_id=asked.org_id, id=asked.id)
        return [OpenRun(*row[:4]) for row in rows if row.is_open] if rows else None

    async def mark(self, run_ids: Sequence[int]) -> datetime:
        at: datetime = await self._transaction.value(
            """
            WITH marked AS (
                UPDATE runs SET cancel_requested_at = clock_timestamp(), updated_at = clock_timestamp()
                WHERE id = ANY(CAST(:ids AS bigint[])) RETURNING cancel_requested_at
            )
            SELECT min(cancel_requested_at) FROM marked
            """,
            ids=list(run_ids),
        )
        return at


class Canceling:
    """Answers requests to cancel, each in a transaction of its own: they are rare."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def cancel(self, asked: Awaited, traceparent: str | None) -> bool:
        """Ask for the end of what is open; return whether it exists in this organisation."""
        async with self._database.transaction() as transaction:
            exists, says = await cancel_runs(SqlCancels(transaction), asked, traceparent)
            await self._outbox.write(transaction, says)
        metrics.CANCELS_REQUESTED.inc(len(says))
        return exists
