"""Deletes idempotency keys that are over, and what customers are shown no longer, if the operator says when."""

from services.api.edges.db.desk import KEY_LIFETIME_HOURS
from shared.db.cleaning import MAX_LOOKED_AT, MAX_ROWS
from shared.db.database import Database
from shared.db.transaction import Transaction

CLEAN_EVERY_SECONDS = 600


async def clean_once(database: Database, *, runs_kept_days: int | None = None) -> int:
    """Delete at most `MAX_ROWS` keys and runs; return the most that went of one kind."""
    async with database.transaction() as transaction:
        keys = await transaction.run(
            """
            DELETE FROM idempotency_keys WHERE (org_id, key) IN (
                SELECT org_id, key FROM idempotency_keys
                WHERE created_at < now() - make_interval(hours => :hours)
                LIMIT :rows FOR UPDATE SKIP LOCKED  -- a key that is used again meanwhile is waited for by nobody
            )
            """,
            hours=KEY_LIFETIME_HOURS,
            rows=MAX_ROWS,
        )
        runs = 0 if runs_kept_days is None else await _delete_runs(transaction, runs_kept_days)
    return max(keys, runs)


async def _delete_runs(transaction: Transaction, days: int) -> int:
    """Delete runs with their calls; a batch goes when its last run ended so long ago. The ledger's entries stay."""
    rows = await transaction.rows(
        """
        SELECT id, batch_id FROM (
            SELECT id, batch_id, completed_at, funds_answered FROM runs ORDER BY id LIMIT :looked_at
        ) AS oldest
        WHERE completed_at < now() - make_interval(days => :days) AND funds_answered
          AND (batch_id IS NULL OR (SELECT completed_at FROM batches WHERE batches.id = batch_id)
                                   < now() - make_interval(days => :days))
        ORDER BY id LIMIT :rows
        """,
        looked_at=MAX_LOOKED_AT,
        days=days,
        rows=MAX_ROWS,
    )
    ids = [row.id for row in rows]
    # What was recorded of them goes with them: its row is what its object is found by.
    await transaction.run(
        """
        UPDATE recordings SET doomed_at = clock_timestamp()
        FROM calls WHERE calls.run_id = ANY(CAST(:ids AS bigint[])) AND recordings.call_id = calls.call_id
        """,
        ids=ids,
    )
    await transaction.run("DELETE FROM calls WHERE run_id = ANY(CAST(:ids AS bigint[]))", ids=ids)
    await transaction.run("DELETE FROM runs WHERE id = ANY(CAST(:ids AS bigint[]))", ids=ids)
    await transaction.run(
        """
        DELETE FROM batches WHERE id = ANY(CAST(:batches AS bigint[]))
          AND NOT EXISTS (SELECT FROM runs WHERE runs.batch_id = batches.id)
        """,
        batches=sorted({row.batch_id for row in rows if row.batch_id is not None}),
    )
    return len(ids)
