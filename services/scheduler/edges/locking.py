"""Organisations are locked before anything of theirs is changed."""

from collections.abc import Collection

from services.scheduler.edges.statements import LOCK_ORGS
from shared.db.transaction import Transaction
from shared.events.directory import DEFAULT_MAX_CONCURRENT_RUNS, DEFAULT_MAX_QUEUE_SECONDS


class Locking:
    """Locks on one transaction, held until its end."""

    _transaction: Transaction

    async def lock_orgs(
        self, org_ids: Collection[int] = (), *, run_ids: Collection[int] = (), request_ids: Collection[int] = ()
    ) -> None:
        if not (org_ids or run_ids or request_ids):
            return
        wanted = {"orgs": list(org_ids), "runs": list(run_ids), "requests": list(request_ids)}
        locked = {row.org_id for row in await self._transaction.rows(LOCK_ORGS, **wanted)}
        new = sorted(set(org_ids) - locked)
        if new:
            await self._transaction.run(
                """
                INSERT INTO orgs (org_id, max_concurrent_runs, max_queue_seconds)
                SELECT id, :slots, :seconds FROM unnest(CAST(:ids AS bigint[])) AS new (id) ORDER BY id
                ON CONFLICT DO NOTHING
                """,
                ids=new,
                slots=DEFAULT_MAX_CONCURRENT_RUNS,
                seconds=DEFAULT_MAX_QUEUE_SECONDS,
            )
            await self._transaction.rows(LOCK_ORGS, **wanted)
