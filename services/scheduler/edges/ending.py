"""Runs on their way out: started, ended, given up. Each frees what waits behind it, once."""

from collections.abc import Collection, Mapping
from datetime import datetime

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.domain.run import Expired
from services.scheduler.edges.payloads import forget_payloads
from services.scheduler.edges.statements import EXPIRE_OVERDUE, LOCK_ORGS_WITH_OVERDUE
from shared.db.transaction import Transaction


class Ending:
    """The queue's way out, on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def mark_started(self, started: Mapping[int, datetime]) -> None:
        if started:
            await self._transaction.run(
                """
                WITH first AS (
                    UPDATE runs SET started_at = new.started_at
                    FROM unnest(CAST(:runs AS bigint[]), CAST(:ats AS timestamptz[])) AS new (run_id, started_at)
                    WHERE runs.run_id = new.run_id AND runs.started_at IS NULL AND runs.stagger_seconds > 0
                      AND runs.status IN ('dispatched', 'ended')
                    RETURNING runs.batch_id, runs.position, runs.started_at
                ), due AS (
                    -- A caller whose clock is ahead delays nothing; a start that is heard late takes no time to wait.
                    UPDATE runs
                    SET due_at = LEAST(first.started_at, now()) + make_interval(secs => runs.stagger_seconds),
                        expires_at = GREATEST(LEAST(first.started_at, now())
                                              + make_interval(secs => runs.stagger_seconds), now())
                                     + make_interval(secs => orgs.max_queue_seconds)
                    FROM first, orgs
                    WHERE runs.batch_id = first.batch_id AND runs.position = first.position + 1
                      AND runs.due_at IS NULL AND runs.status IN ('waiting_funds', 'queued')
                      AND orgs.org_id = runs.org_id
                    RETURNING runs.org_id, runs.due_at, runs.status
                )
                UPDATE orgs SET next_due_at = LEAST(next_due_at, next.due_at)
                FROM (SELECT org_id, min(due_at) AS due_at FROM due WHERE status = 'queued' GROUP BY org_id) AS next
                WHERE orgs.org_id = next.org_id
                """,
                runs=list(started),
                ats=list(started.values()),
            )

    async def end(self, run_ids: Collection[int]) -> None:
        if not run_ids:
            return
        ids = sorted(run_ids)
        rows = await self._transaction.rows(
            """
            WITH before AS MATERIALIZED (
                SELECT run_id, status FROM runs
                WHERE run_id = ANY(CAST(:ids AS bigint[])) AND status <> 'ended' ORDER BY run_id FOR UPDATE
            ), ended AS (
                UPDATE runs SET status = 'ended', ended_at = now() FROM before WHERE runs.run_id = before.run_id
                RETURNING runs.run_id, runs.org_id, runs.request_id, runs.batch_id, runs.position, runs.started_at,
                          runs.stagger_seconds, before.status AS status_before
            ), due AS (
                UPDATE runs
                SET due_at = now() + make_interval(secs => runs.stagger_seconds),
                    expires_at = now() + make_interval(secs => runs.stagger_seconds + orgs.max_queue_seconds)
                FROM ended JOIN orgs USING (org_id)
                WHERE ended.stagger_seconds > 0 AND ended.started_at IS NULL AND runs.batch_id = ended.batch_id
                  AND runs.position = ended.position + 1 AND runs.due_at IS NULL
                  AND runs.status IN ('waiting_funds', 'queued') AND runs.run_id <> ALL (CAST(:ids AS bigint[]))
                RETURNING runs.org_id, runs.due_at, runs.status
            ), freed AS (
                UPDATE orgs SET
                    in_use = in_use - (SELECT count(*) FROM ended
                                       WHERE ended.org_id = orgs.org_id AND status_before = 'dispatched'),
                    next_due_at = LEAST(next_due_at, (SELECT min(due_at) FROM due
                                                      WHERE due.org_id = orgs.org_id AND due.status = 'queued'))
                WHERE org_id IN (SELECT org_id FROM ended)
            )
            SELECT DISTINCT request_id FROM ended
            """,
            ids=ids,
        )
        await self._transaction.run(
            """
            INSERT INTO ended_early (run_id)
            SELECT id FROM unnest(CAST(:ids AS bigint[])) AS ended (id)
            WHERE NOT EXISTS (SELECT FROM runs WHERE run_id = id) ON CONFLICT DO NOTHING
            """,
            ids=ids,
        )
        await forget_payloads(self._transaction, [row.request_id for row in rows])

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
