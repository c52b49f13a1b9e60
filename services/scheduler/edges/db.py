"""The queue in PostgreSQL: every method is one or two set-based statements."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from services.scheduler.domain import limits
from services.scheduler.domain.run import Dispatched, Expired, NewRun, OrgLimits
from services.scheduler.edges.statements import DISPATCH_DUE, EXPIRE_OVERDUE, LOCK_ORGS_WITH_WORK
from shared.db.transaction import Transaction
from shared.events.directory import DEFAULT_MAX_CONCURRENT_RUNS, DEFAULT_MAX_QUEUE_SECONDS
from shared.telemetry import metrics


class SqlQueue:
    """The queue on one transaction. `poke` wakes the ticker of this process."""

    def __init__(self, transaction: Transaction, *, poke: Callable[[], None]) -> None:
        self._transaction = transaction
        self._poke = poke

    def ask_for_tick(self) -> None:
        self._transaction.after_commit(self._poke)

    async def set_limits(self, limits: Sequence[OrgLimits]) -> None:
        await self._transaction.run(
            """
            UPDATE orgs SET max_concurrent_runs = new.slots, max_queue_seconds = new.seconds
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:slots AS integer[]), CAST(:seconds AS integer[]))
                 AS new (org_id, slots, seconds)
            WHERE orgs.org_id = new.org_id
            """,
            orgs=[one.org_id for one in limits],
            slots=[one.max_concurrent_runs for one in limits],
            seconds=[one.max_queue_seconds for one in limits],
        )

    async def lock_orgs(self, org_ids: Collection[int]) -> None:
        if not org_ids:
            return
        ids = sorted(org_ids)
        await self._transaction.run(
            """
            INSERT INTO orgs (org_id, max_concurrent_runs, max_queue_seconds)
            SELECT id, :slots, :seconds FROM unnest(CAST(:ids AS bigint[])) AS new (id)
            WHERE NOT EXISTS (SELECT FROM orgs WHERE org_id = new.id) ORDER BY id
            ON CONFLICT DO NOTHING
            """,
            ids=ids,
            slots=DEFAULT_MAX_CONCURRENT_RUNS,
            seconds=DEFAULT_MAX_QUEUE_SECONDS,
        )
        await self._transaction.run(
            "SELECT FROM orgs WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR UPDATE", ids=ids
        )

    async def lock_orgs_of_runs(self, run_ids: Collection[int]) -> None:
        if run_ids:
            await self._transaction.run(
                """
                SELECT FROM orgs
                WHERE org_id IN (SELECT org_id FROM runs WHERE run_id = ANY(CAST(:ids AS bigint[])))
                ORDER BY org_id FOR UPDATE
                """,
                ids=list(run_ids),
            )

    async def add_runs(self, runs: Sequence[NewRun], payloads: Mapping[int, str]) -> None:
        rows = await self._transaction.rows(
            """
            INSERT INTO runs (run_id, org_id, request_id, batch_id, position, prompt_index, stagger_seconds, due_at,
                              requested_at, traceparent, expires_at, status, ended_at)
            SELECT new.run_id, new.org_id, new.request_id, new.batch_id, new.position, new.prompt_index,
                   new.stagger_seconds,
                   -- An API whose clock is ahead delays nothing. (LEAST alone would make a time of NULL.)
                   CASE WHEN new.due_at IS NOT NULL THEN LEAST(new.due_at, now()) END,
                   new.requested_at, new.traceparent, new.requested_at + make_interval(secs => orgs.max_queue_seconds),
                   CASE WHEN early.run_id IS NULL THEN 'waiting_funds' ELSE 'ended' END, early.noted_at
            FROM unnest(CAST(:runs AS bigint[]), CAST(:orgs AS bigint[]), CAST(:requests AS bigint[]),
                        CAST(:batches AS bigint[]), CAST(:positions AS integer[]), CAST(:prompts AS integer[]),
                        CAST(:staggers AS integer[]), CAST(:dues AS timestamptz[]), CAST(:requested AS timestamptz[]),
                        CAST(:traceparents AS text[]))
                 AS new (run_id, org_id, request_id, batch_id, position, prompt_index, stagger_seconds, due_at,
                         requested_at, traceparent)
            JOIN orgs ON orgs.org_id = new.org_id
            LEFT JOIN ended_early AS early ON early.run_id = new.run_id
            ON CONFLICT DO NOTHING
            RETURNING request_id
            """,
            runs=[one.run_id for one in runs],
            orgs=[one.org_id for one in runs],
            requests=[one.request_id for one in runs],
            batches=[one.batch_id for one in runs],
            positions=[one.position for one in runs],
            prompts=[one.prompt_index for one in runs],
            staggers=[one.stagger_seconds for one in runs],
            dues=[one.due_at for one in runs],
            requested=[one.requested_at for one in runs],
            traceparents=[one.traceparent for one in runs],
        )
        new = sorted({row.request_id for row in rows})
        await self._transaction.run(
            """
            INSERT INTO requests (request_id, payload)
            SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:payloads AS text[])) ON CONFLICT DO NOTHING
            """,
            ids=new,
            payloads=[payloads[request_id] for request_id in new],
        )

    async def take_funds_stubs(self, request_ids: Collection[int]) -> dict[int, bool]:
        rows = await self._transaction.rows(
            "DELETE FROM funds_stubs WHERE request_id = ANY(CAST(:ids AS bigint[])) RETURNING request_id, reserved",
            ids=list(request_ids),
        )
        return {row.request_id: row.reserved for row in rows}

    async def answer_funds(self, answers: Mapping[int, bool]) -> None:
        if not answers:
            return
        rows = await self._transaction.rows(
            """
            WITH answered AS (
                SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:reserved AS boolean[])) AS a (request_id, reserved)
            ), changed AS (
                UPDATE runs
                SET status = CASE WHEN answered.reserved THEN 'queued' ELSE 'ended' END,
                    ended_at = CASE WHEN answered.reserved THEN NULL ELSE now() END
                FROM answered
                WHERE runs.request_id = answered.request_id AND runs.status = 'waiting_funds'
                RETURNING runs.org_id, runs.due_at, runs.status
            ), marked AS (
                UPDATE orgs SET next_due_at = LEAST(next_due_at, first.due_at)
                FROM (
                    SELECT org_id, min(due_at) AS due_at FROM changed WHERE status = 'queued' GROUP BY org_id
                ) AS first
                WHERE orgs.org_id = first.org_id AND first.due_at IS NOT NULL
            )
            SELECT answered.request_id, answered.reserved FROM answered
            WHERE NOT EXISTS (SELECT FROM runs WHERE runs.request_id = answered.request_id)
            """,
            ids=list(answers),
            reserved=list(answers.values()),
        )
        if rows:
            await self._transaction.run(
                """
                INSERT INTO funds_stubs (request_id, reserved)
                SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:reserved AS boolean[])) ON CONFLICT DO NOTHING
                """,
                ids=[row.request_id for row in rows],
                reserved=[row.reserved for row in rows],
            )
        await self._forget_requests([request_id for request_id, reserved in answers.items() if not reserved])

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
                    UPDATE runs SET due_at = first.started_at + make_interval(secs => runs.stagger_seconds)
                    FROM first
                    WHERE runs.batch_id = first.batch_id AND runs.position = first.position + 1
                      AND runs.due_at IS NULL AND runs.status IN ('waiting_funds', 'queued')
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
                UPDATE runs SET due_at = now() + make_interval(secs => runs.stagger_seconds)
                FROM ended
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
        await self._forget_requests([row.request_id for row in rows])

    async def _forget_requests(self, request_ids: Collection[int]) -> None:
        """Delete the payloads of requests of which no run is left."""
        if request_ids:
            await self._transaction.run(
                """
                DELETE FROM requests WHERE request_id = ANY(CAST(:ids AS bigint[])) AND NOT EXISTS (
                    SELECT FROM runs WHERE runs.request_id = requests.request_id AND status <> 'ended'
                )
                """,
                ids=list(request_ids),
            )

    async def expire_request(self, request_ids: Collection[int]) -> list[Expired]:
        if not request_ids:
            return []
        rows = await self._transaction.rows(
            """
            UPDATE runs SET status = 'ended', ended_at = now()
            WHERE request_id = ANY(CAST(:ids AS bigint[])) AND status IN ('waiting_funds', 'queued')
            RETURNING run_id, org_id, request_id, batch_id, false AS was_queued, ended_at AS expired_at, traceparent
            """,
            ids=list(request_ids),
        )
        return await self._expired([Expired(*row) for row in rows])

    async def expire_overdue(self) -> list[Expired]:
        rows = await self._transaction.rows(EXPIRE_OVERDUE, max_runs=limits.MAX_EXPIRIES_PER_TICK)
        return await self._expired([Expired(*row) for row in rows])

    async def _expired(self, expired: list[Expired]) -> list[Expired]:
        await self._forget_requests({run.request_id for run in expired})
        metrics.EXPIRED.inc(len(expired))
        return expired

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
        dispatched = []
        for row in rows:
            queued_seconds = max(0.0, float(row.queued_seconds))
            metrics.QUEUE_SECONDS.observe(queued_seconds)
            dispatched.append(
                Dispatched(
                    row.run_id,
                    row.prompt_index,
                    row.payload,
                    row.start_before,
                    float(row.queued_seconds),
                    row.traceparent,
                )
            )
        return dispatched
