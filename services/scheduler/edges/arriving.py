"""Runs on their way into the queue."""

import json
from collections.abc import Sequence

from services.scheduler.domain import limits
from services.scheduler.domain.run import Arrived, NewRequest
from shared.db.transaction import Transaction

# Runs, what a dispatch has to carry, and billing's answers that came before, in one statement. Idempotent by run. One
# look-up for each organisation and run, whatever the planner thinks of JSON.
ADD_REQUESTS = """
WITH new AS MATERIALIZED (
    SELECT run.run_id, request.*, CAST(run.nth - 1 AS integer) AS position, run.prompt_index,
           (SELECT max_queue_seconds FROM orgs WHERE orgs.org_id = request.org_id) AS max_queue_seconds,
           (SELECT noted_at FROM ended_early WHERE ended_early.run_id = run.run_id) AS ended_at,
           -- An API whose clock is ahead delays nothing. Who waits for a predecessor's start is due nobody knows when.
           CASE WHEN run.nth = 1 OR stagger_seconds = 0 THEN LEAST(requested_at, now()) END AS due_at
    FROM json_to_recordset(CAST(:requests AS json))
         AS request (request_id bigint, org_id bigint, batch_id bigint, stagger_seconds integer,
                     requested_at timestamptz, traceparent text, runs json)
    CROSS JOIN ROWS FROM (json_to_recordset(request.runs) AS (run_id bigint, prompt_index integer)) WITH ORDINALITY
         AS run (run_id, prompt_index, nth)
), added AS (
    INSERT INTO runs (run_id, org_id, request_id, batch_id, position, prompt_index, stagger_seconds, due_at,
                      requested_at, traceparent, expires_at, status, ended_at)
    SELECT run_id, org_id, request_id, batch_id, position, prompt_index, stagger_seconds, due_at, requested_at,
           traceparent,
           -- Its time runs from when it is due. Until that is known: from the latest that it could become due, every
           -- predecessor having waited as long as it may.
           LEAST(requested_at, now()) + make_interval(secs => CASE WHEN due_at IS NOT NULL THEN max_queue_seconds
               ELSE (position + 1) * CAST(max_queue_seconds AS bigint)
                    + position * (stagger_seconds + CAST(:grace_seconds AS integer)) END),
           CASE WHEN ended_at IS NULL THEN 'waiting_funds' ELSE 'ended' END, ended_at
    FROM new
    ON CONFLICT DO NOTHING
    RETURNING request_id, status, expires_at
), kept AS (
    INSERT INTO requests (request_id, payload)
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:payloads AS text[])) AS given (request_id, payload)
    WHERE request_id IN (SELECT request_id FROM added WHERE status <> 'ended')
    ON CONFLICT DO NOTHING
), answered AS (
    DELETE FROM funds_stubs WHERE request_id = ANY(CAST(:ids AS bigint[])) RETURNING request_id, reserved
)
SELECT (SELECT coalesce(array_agg(request_id) FILTER (WHERE reserved), '{}') FROM answered) AS reserved,
       (SELECT coalesce(array_agg(request_id) FILTER (WHERE NOT reserved), '{}') FROM answered) AS declined,
       coalesce(array_agg(DISTINCT request_id) FILTER (WHERE status = 'ended'), '{}') AS after_an_end,
       CAST(extract(epoch FROM min(expires_at) - clock_timestamp()) AS float8) AS expire_in_seconds
FROM added
"""

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

    _transaction: Transaction

    async def add_requests(self, requests: Sequence[NewRequest]) -> Arrived:
        row = await self._transaction.row(
            ADD_REQUESTS,
            requests=json.dumps([_fields(one) for one in requests]),
            ids=[one.request_id for one in requests],
            payloads=[one.payload for one in requests],
            grace_seconds=limits.PREDECESSOR_GRACE_SECONDS,
        )
        assert row is not None  # noqa: S101 - aggregates give one row
        if row.after_an_end:
            await self._transaction.run(FOLLOW_ENDED_EARLY, requests=row.after_an_end)
        return Arrived(row.reserved, row.declined, row.expire_in_seconds)


def _fields(one: NewRequest) -> dict[str, object]:
    return {
        "request_id": one.request_id,
        "org_id": one.org_id,
        "batch_id": one.batch_id,
        "stagger_seconds": one.stagger_seconds,
        "requested_at": one.requested_at.isoformat(),
        "traceparent": one.traceparent,
        "runs": [{"run_id": run_id, "prompt_index": prompt_index} for run_id, prompt_index in one.runs],
    }
