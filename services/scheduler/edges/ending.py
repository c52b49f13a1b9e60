"""Runs on their way out: started, ended. Each frees what waits behind it, once."""

from collections.abc import Collection, Mapping
from datetime import datetime

from services.scheduler.edges.payloads import forget_payloads
from shared.db.transaction import Transaction


class Ending:
    """The queue's way out, on one transaction."""

    _transaction: Transaction
    staggered_runs: Collection[int] = ()

    async def find_staggered(self, run_ids: Collection[int]) -> None:
        if run_ids:
            rows = await self._transaction.rows(
                "SELECT run_id FROM runs WHERE run_id = ANY(CAST(:ids AS bigint[])) AND stagger_seconds > 0",
                ids=list(run_ids),
            )
            self.staggered_runs = {row.run_id for row in rows}

    async def mark_started(self, started: Mapping[int, datetime]) -> float | None:
        if not started:
            return None
        seconds: float | None = await self._transaction.value(
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
            ), marked AS (
                UPDATE orgs SET next_due_at = LEAST(next_due_at, next.due_at)
                FROM (SELECT org_id, min(due_at) AS due_at FROM due WHERE status = 'queued' GROUP BY org_id) AS next
                WHERE orgs.org_id = next.org_id
            )
            SELECT CAST(extract(epoch FROM min(due_at) - clock_timestamp()) AS float8) FROM due WHERE status = 'queued'
            """,
            runs=list(started),
            ats=list(started.values()),
        )
        return seconds

    async def end(self, run_ids: Collection[int]) -> float | None:
        if not run_ids:
            return None
        ids = sorted(run_ids)
        row = await self._transaction.row(
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
            SELECT count(*) AS runs, coalesce(array_agg(DISTINCT request_id), '{}') AS requests,
                   (SELECT CAST(extract(epoch FROM min(due_at) - clock_timestamp()) AS float8) FROM due
                    WHERE status = 'queued') AS due_in_seconds
            FROM ended
            """,
            ids=ids,
        )
        assert row is not None  # noqa: S101 - aggregates give one row
        if row.runs < len(ids):
            await self._transaction.run(
                """
                INSERT INTO ended_early (run_id)
                SELECT id FROM unnest(CAST(:ids AS bigint[])) AS ended (id)
                WHERE NOT EXISTS (SELECT FROM runs WHERE run_id = id) ON CONFLICT DO NOTHING
                """,
                ids=ids,
            )
        await forget_payloads(self._transaction, row.requests)
        seconds: float | None = row.due_in_seconds
        return seconds
