"""Counts the runs of batches: a batch's status is what its runs say."""

from collections.abc import Collection

from shared.db.transaction import Transaction


async def count_batches(transaction: Transaction, batch_ids: Collection[int]) -> None:
    """Count the runs of batches anew. Under their locks, and in a statement that began after them."""
    ids = sorted(batch_ids)
    if not ids:
        return
    await transaction.run(
        "SELECT FROM batches WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE", ids=ids
    )
    await transaction.run(
        """
        UPDATE batches
        SET completed_runs = counted.completed, failed_runs = counted.failed, started_at = counted.started_at,
            status = CASE WHEN counted.completed + counted.failed < run_count THEN 'in_progress'
                          WHEN counted.completed > 0 THEN 'completed' ELSE 'failed' END,
            completed_at = CASE WHEN counted.completed + counted.failed = run_count THEN counted.ended_at END,
            updated_at = clock_timestamp()
        FROM (
            SELECT batch_id, count(*) FILTER (WHERE status = 'completed') AS completed,
                   count(*) FILTER (WHERE status = 'failed') AS failed,
                   min(started_at) AS started_at, max(completed_at) AS ended_at
            FROM runs WHERE batch_id = ANY(CAST(:ids AS bigint[])) GROUP BY batch_id
        ) AS counted
        WHERE batches.id = counted.batch_id
        """,
        ids=ids,
    )
