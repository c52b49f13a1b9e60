"""Runs on their way into the queue: their request, and billing's answer, in either order."""

from collections.abc import Collection, Mapping, Sequence

from services.scheduler.domain import limits
from services.scheduler.domain.run import NewRun
from services.scheduler.edges.payloads import forget_payloads, keep_payloads
from shared.db.transaction import Transaction

# Successors of runs whose ends were heard before their request, after a rebuild: nobody will start or end before them.
FOLLOW_ENDED_EARLY = """
UPDATE runs SET due_at = now(), expires_at = now() + make_interval(secs => orgs.max_queue_seconds)
FROM runs AS before, orgs
WHERE runs.request_id = ANY(CAST(:requests AS bigint[])) AND runs.due_at IS NULL AND runs.status <> 'ended'
  AND before.batch_id = runs.batch_id AND before.position = runs.position - 1 AND before.status = 'ended'
  AND orgs.org_id = runs.org_id
"""


class Arriving:
    """The queue's way in, on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add_runs(self, runs: Sequence[NewRun], payloads: Mapping[int, str]) -> None:
        rows = await self._transaction.rows(
            """
            INSERT INTO runs (run_id, org_id, request_id, batch_id, position, prompt_index, stagger_seconds, due_at,
                              requested_at, traceparent, expires_at, status, ended_at)
            SELECT new.run_id, new.org_id, new.request_id, new.batch_id, new.position, new.prompt_index,
                   new.stagger_seconds,
                   -- An API whose clock is ahead delays nothing. (LEAST alone would make a time of NULL.)
                   CASE WHEN new.due_at IS NOT NULL THEN LEAST(new.due_at, now()) END,
                   new.requested_at, new.traceparent,
                   -- Its time runs from when it is due. Until that is known: from the latest that it could become due,
                   -- every predecessor having waited as long as it may.
                   LEAST(new.requested_at, now()) + make_interval(secs => CASE WHEN new.due_at IS NOT NULL
                       THEN orgs.max_queue_seconds
                       ELSE (new.position + 1) * CAST(orgs.max_queue_seconds AS bigint)
                            + new.position * (new.stagger_seconds + CAST(:grace_seconds AS integer)) END),
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
            RETURNING request_id, status
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
            grace_seconds=limits.PREDECESSOR_GRACE_SECONDS,
        )
        if any(row.status == "ended" for row in rows):
            await self._transaction.run(FOLLOW_ENDED_EARLY, requests=sorted({row.request_id for row in rows}))
        new = sorted({row.request_id for row in rows})
        await keep_payloads(self._transaction, {request_id: payloads[request_id] for request_id in new})

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
        declined = [request_id for request_id, reserved in answers.items() if not reserved]
        await forget_payloads(self._transaction, declined)
