"""Runs that waited for too long, or whose answer nobody can read."""

from collections.abc import Collection

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.domain.run import Canceled, Expired
from services.scheduler.edges.payloads import forget_payloads
from shared.db.transaction import Transaction

# What ends or queues a run holds its organisation's lock, here as everywhere: a tick that had picked the run for a free
# slot would else wait for its row, find it ended, and take the slot for one that nobody needs.
LOCK_ORGS_WITH_OVERDUE = """
SELECT org_id FROM orgs
WHERE org_id IN (
    SELECT org_id FROM (
        SELECT org_id FROM runs
        WHERE status IN ('waiting_funds', 'queued') AND expires_at <= now()
        ORDER BY expires_at LIMIT :max_runs
    ) AS overdue
)
ORDER BY org_id
FOR UPDATE SKIP LOCKED
"""

# The successor of a run that found no slot is due a stagger after that run was, as it would have been with slots. So a
# batch for which no slot becomes free expires a stagger apart, and nobody's stagger counts as waiting.
_OVERDUE = """
    SELECT run_id, org_id, status FROM runs
    WHERE status IN ('waiting_funds', 'queued') AND expires_at <= now() AND org_id = ANY(CAST(:orgs AS bigint[]))
    ORDER BY expires_at LIMIT :max_runs FOR UPDATE SKIP LOCKED
"""
_CANCELED = """
    SELECT run_id, org_id, status FROM runs
    WHERE run_id = ANY(CAST(:ids AS bigint[])) AND status IN ('waiting_funds', 'queued') AND canceled_at IS NOT NULL
    ORDER BY run_id FOR UPDATE
"""


def _expire(these: str) -> str:
    return f"""
WITH overdue AS MATERIALIZED ({these}), ended AS (
    UPDATE runs SET status = 'ended', ended_at = now()
    FROM overdue JOIN orgs USING (org_id) WHERE runs.run_id = overdue.run_id
    RETURNING runs.run_id, runs.org_id, runs.request_id, runs.batch_id, runs.position, runs.due_at, runs.traceparent,
              runs.ended_at AS expired_at,
              CASE WHEN overdue.status = 'waiting_funds' THEN 'funds' WHEN runs.due_at IS NULL THEN 'turn'
                   WHEN orgs.in_use < orgs.max_concurrent_runs THEN 'room' ELSE 'slot' END AS waited_for
), due AS (
    UPDATE runs
    SET due_at = coalesce(ended.due_at, now()) + make_interval(secs => runs.stagger_seconds),
        expires_at = coalesce(ended.due_at, now())
                     + make_interval(secs => runs.stagger_seconds + orgs.max_queue_seconds)
    FROM ended JOIN orgs USING (org_id)
    WHERE runs.batch_id = ended.batch_id AND runs.position = ended.position + 1 AND runs.due_at IS NULL
      AND runs.status IN ('waiting_funds', 'queued') AND runs.run_id NOT IN (SELECT run_id FROM overdue)
    RETURNING runs.org_id, runs.due_at, runs.status
), marked AS (
    UPDATE orgs SET next_due_at = LEAST(next_due_at, next.due_at)
    FROM (SELECT org_id, min(due_at) AS due_at FROM due WHERE status = 'queued' GROUP BY org_id) AS next
    WHERE orgs.org_id = next.org_id
)
SELECT run_id, org_id, request_id, batch_id, waited_for, expired_at, traceparent FROM ended ORDER BY run_id
"""  # noqa: S608 - constants of this file


EXPIRE_OVERDUE = _expire(_OVERDUE)
EXPIRE_CANCELED = _expire(_CANCELED)


class Expiring:
    """What is given up, on one transaction."""

    _transaction: Transaction

    async def expire_request(self, request_ids: Collection[int]) -> list[Expired]:
        if not request_ids:
            return []
        rows = await self._transaction.rows(
            """
            UPDATE runs SET status = 'ended', ended_at = now()
            WHERE request_id = ANY(CAST(:ids AS bigint[])) AND status IN ('waiting_funds', 'queued')
            RETURNING run_id, org_id, request_id, batch_id, 'funds' AS waited_for, ended_at AS expired_at, traceparent
            """,
            ids=list(request_ids),
        )
        return await self._expired([Expired(*row) for row in rows])

    async def mark_canceled(self, run_ids: Collection[int]) -> None:
        if run_ids:
            await self._transaction.run(
                """
                UPDATE runs SET canceled_at = now()
                WHERE run_id = ANY(CAST(:ids AS bigint[])) AND status <> 'ended' AND canceled_at IS NULL
                """,
                ids=list(run_ids),
            )

    async def expire_canceled(self, run_ids: Collection[int]) -> list[Expired]:
        if not run_ids:
            return []
        rows = await self._transaction.rows(EXPIRE_CANCELED, ids=list(run_ids))
        await forget_payloads(self._transaction, {row.request_id for row in rows})
        metrics.CANCELED.inc(len(rows))
        return [Expired(*row) for row in rows]

    async def canceled_up(self, run_ids: Collection[int]) -> list[Canceled]:
        if not run_ids:
            return []
        rows = await self._transaction.rows(
            """
            SELECT run_id, org_id, request_id, batch_id, traceparent FROM runs
            WHERE run_id = ANY(CAST(:ids AS bigint[])) AND status = 'dispatched' AND canceled_at IS NOT NULL
            ORDER BY run_id
            """,
            ids=list(run_ids),
        )
        return [Canceled(*row) for row in rows]

    async def expire_overdue(self) -> list[Expired]:
        orgs = await self._transaction.rows(LOCK_ORGS_WITH_OVERDUE, max_runs=limits.MAX_EXPIRIES_PER_TICK)
        if not orgs:
            return []
        rows = await self._transaction.rows(
            EXPIRE_OVERDUE, orgs=[org.org_id for org in orgs], max_runs=limits.MAX_EXPIRIES_PER_TICK
        )
        return await self._expired([Expired(*row) for row in rows])

    async def _expired(self, expired: list[Expired]) -> list[Expired]:
        await forget_payloads(self._transaction, {run.request_id for run in expired})
        metrics.EXPIRED.inc(len(expired))
        return expired
