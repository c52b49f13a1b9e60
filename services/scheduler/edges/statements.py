"""The scheduler's hot statements, where a test can look at their plans."""

# Locking is a statement of its own: the next one then has a snapshot that is younger than every commit which the lock
# waited for or was skipped by. In one statement, a run that was queued between the snapshot and the lock would be
# overlooked, and next_due_at overwritten without it.
LOCK_ORGS_WITH_WORK = """
SELECT org_id FROM orgs
WHERE next_due_at IS NOT NULL AND in_use < max_concurrent_runs AND next_due_at <= now()
ORDER BY served_at, org_id
LIMIT :max_orgs
FOR UPDATE SKIP LOCKED
"""

# Singles first, then the batches in turn (by how far each has come); a batch run that waited long goes before both.
DISPATCH_DUE = """
WITH ready AS MATERIALIZED (
    SELECT org_id, max_concurrent_runs - in_use AS slots, nth
    FROM unnest(CAST(:orgs AS bigint[])) WITH ORDINALITY AS locked (org_id, nth) JOIN orgs USING (org_id)
    WHERE in_use < max_concurrent_runs
), picked AS MATERIALIZED (
    SELECT run.run_id, run.org_id
    FROM ready CROSS JOIN LATERAL (
        SELECT run_id, org_id FROM runs
        WHERE runs.org_id = ready.org_id AND status = 'queued' AND due_at IS NOT NULL AND due_at <= now()
          AND expires_at > now()
        ORDER BY (batch_id IS NOT NULL AND requested_at <= now() - make_interval(secs => :long_wait_seconds)) DESC,
                 batch_id IS NOT NULL, position, requested_at, run_id
        LIMIT LEAST(ready.slots, :max_runs_of_org)
    ) AS run
    ORDER BY ready.nth
    LIMIT :max_runs
), dispatched AS (
    UPDATE runs SET status = 'dispatched', dispatched_at = now()
    FROM picked WHERE runs.run_id = picked.run_id AND runs.status = 'queued'
    RETURNING runs.run_id, runs.org_id, runs.request_id, runs.prompt_index, runs.requested_at, runs.traceparent
), served AS (
    UPDATE orgs
    SET in_use = in_use + (SELECT count(*) FROM dispatched WHERE dispatched.org_id = orgs.org_id),
        served_at = CASE WHEN EXISTS (SELECT FROM dispatched WHERE dispatched.org_id = orgs.org_id)
                         THEN clock_timestamp() ELSE served_at END,
        next_due_at = (
            SELECT min(due_at) FROM runs
            WHERE runs.org_id = orgs.org_id AND status = 'queued' AND due_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM picked WHERE picked.run_id = runs.run_id)
        )
    FROM ready WHERE orgs.org_id = ready.org_id
)
SELECT dispatched.run_id, dispatched.prompt_index, requests.payload, dispatched.traceparent,
       now() + make_interval(secs => :start_within_seconds) AS start_before,
       extract(epoch FROM now() - dispatched.requested_at) AS queued_seconds
FROM dispatched JOIN requests USING (request_id)
ORDER BY dispatched.run_id
"""

EXPIRE_OVERDUE = """
WITH overdue AS MATERIALIZED (
    SELECT run_id, status FROM runs
    WHERE status IN ('waiting_funds', 'queued') AND expires_at <= now()
    ORDER BY expires_at LIMIT :max_runs FOR UPDATE SKIP LOCKED
)
UPDATE runs SET status = 'ended', ended_at = now()
FROM overdue WHERE runs.run_id = overdue.run_id
RETURNING runs.run_id, runs.org_id, runs.request_id, runs.batch_id, overdue.status = 'queued' AS was_queued,
          runs.ended_at AS expired_at, runs.traceparent
"""

SECONDS_TO_NEXT = """
SELECT extract(epoch FROM LEAST(
    (SELECT min(next_due_at) FROM orgs WHERE next_due_at IS NOT NULL AND in_use < max_concurrent_runs),
    (SELECT min(expires_at) FROM runs WHERE status IN ('waiting_funds', 'queued'))
) - clock_timestamp())
"""
