"""Locks of a poll, in one order for all instances: organisations, runs, batches, accounts."""

from collections.abc import Collection

from shared.db.transaction import Transaction

# Not FOR UPDATE: a key that refers to the row may be written meanwhile.
_LOCK_ORGS = "SELECT FROM orgs WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR NO KEY UPDATE"
_LOCK_RUNS = """
SELECT batch_id FROM runs WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE
"""
_LOCK_BATCHES = "SELECT FROM batches WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE"
_LOCK_FUNDS = "SELECT FROM funds WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR NO KEY UPDATE"
_RUNS_OF_REQUESTS = "SELECT id FROM runs WHERE request_id = ANY(CAST(:ids AS bigint[]))"


async def lock(
    transaction: Transaction,
    *,
    org_ids: Collection[int],
    run_ids: Collection[int],
    request_ids: Collection[int],
    account_ids: Collection[int],
) -> None:
    """Lock rows that exist. What does not is made by one instance alone: the one that has its partition."""
    if org_ids:
        await transaction.run(_LOCK_ORGS, ids=sorted(org_ids))
    runs = set(run_ids)
    if request_ids:
        runs |= {row.id for row in await transaction.rows(_RUNS_OF_REQUESTS, ids=sorted(request_ids))}
    if runs:
        batches = {row.batch_id for row in await transaction.rows(_LOCK_RUNS, ids=sorted(runs))} - {None}
        if batches:
            await transaction.run(_LOCK_BATCHES, ids=sorted(batches))
    if account_ids:
        await transaction.run(_LOCK_FUNDS, ids=sorted(account_ids))
