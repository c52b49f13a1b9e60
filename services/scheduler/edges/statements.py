"""The statements that give slots, and those that lock for them."""

# One look-up for each id, whatever the planner thinks of the table.
LOCK_ORGS = """
SELECT org_id FROM orgs
WHERE org_id IN (
    SELECT id FROM unnest(CAST(:orgs AS bigint[])) AS given (id)
    UNION ALL
    SELECT (SELECT org_id FROM runs WHERE run_id = id) FROM unnest(CAST(:runs AS bigint[])) AS given (id)
    UNION ALL
    SELECT (SELECT org_id FROM runs WHERE request_id = id LIMIT 1)
    FROM unnest(CAST(:requests AS bigint[])) AS given (id)
)
ORDER BY org_id FOR UPDATE
"""

# One transaction gives at a time, until its commit: the next one's look then sees what was given, what became free and
# what became due. It is taken last, by those who hold their organisations already, and nobody waits for an organisation
# who has it: no circle.
LOCK_GIVING = "SELECT pg_advisory_xact_lock(:lock, hashtext(current_schema()))"

CAPACITY = """
SELECT coalesce(sum(GREATEST(calls_limit, calls_up)), 0) FROM workers
WHERE heard_at > now() - make_interval(secs => :heard_within_seconds)
"""

# Locking is a statement of its own: the next one then has a snapshot that is younger than every commit which the lock
# waited for or was skipped by. In one statement, a run that was queued between the snapshot and the lock would be
# overlooked, and next_due_at overwritten without it. What another transaction has in hand is skipped, and counted.
LOOK = f"""
WITH locked AS (
    SELECT org_id, served_at FROM orgs
    WHERE next_due_at <= statement_timestamp() AND in_use < max_concurrent_runs AND next_due_at IS NOT NULL
    ORDER BY served_at, org_id
    LIMIT :max_orgs
    FOR UPDATE SKIP LOCKED
)
SELECT (SELECT coalesce(array_agg(org_id ORDER BY served_at, org_id), '{{}}') FROM locked) AS orgs,
       (SELECT count(*) FROM (
           SELECT FROM orgs
           WHERE next_due_at <= statement_timestamp() AND in_use < max_concurrent_runs AND next_due_at IS NOT NULL
           LIMIT :max_orgs
       ) AS with_work) AS orgs_with_work,
       ({CAPACITY}) - (SELECT coalesce(sum(in_use), 0) FROM orgs WHERE in_use > 0) AS room,
       coalesce((SELECT min(expires_at) FROM runs WHERE status IN ('waiting_funds', 'queued')) <= now(), false)
           AS is_overdue
"""  # noqa: S608

# What a dispatch is made from. LEFT: a run whose request is gone has a slot by now, and somebody has to see it.
TOLD = """
dispatched.run_id, dispatched.org_id, dispatched.request_id, dispatched.batch_id, dispatched.prompt_index,
requests.payload, now() + make_interval(secs => :start_within_seconds) AS start_before, dispatched.dispatched_at,
dispatched.dispatch_no, dispatched.traceparent,
CAST(extract(epoch FROM now() - dispatched.requested_at) AS float8) AS queued_seconds
"""

# Times are compared with the statement's own, which is younger than the locks: a run that was queued after this
# transaction began is due as well. With now() it would not be picked, and next_due_at overwritten without it.
# Singles first, then the batches in turn (by how far each has come); a batch run that waited long goes before both.
# Both orders have an index, and each is read as far as there are slots: never the whole queue. What is left when slots
# are left is not due yet, so it is staggered; otherwise next_due_at stays as early as it was.
DISPATCH_DUE = f"""
WITH ready AS MATERIALIZED (
    SELECT org_id, max_concurrent_runs - in_use AS slots, nth
    FROM unnest(CAST(:orgs AS bigint[])) WITH ORDINALITY AS locked (org_id, nth) JOIN orgs USING (org_id)
    WHERE in_use < max_concurrent_runs
), picked AS MATERIALIZED (
    SELECT run.run_id, run.org_id
    FROM ready CROSS JOIN LATERAL (
        SELECT run_id, ready.org_id FROM (
            (
                SELECT run_id, 0 AS queue, row_number() OVER (ORDER BY requested_at, position) AS place FROM (
                    SELECT run_id, requested_at, position FROM runs
                    WHERE runs.org_id = ready.org_id AND status = 'queued' AND due_at IS NOT NULL
                      AND due_at <= statement_timestamp() AND expires_at > statement_timestamp()
                      AND batch_id IS NOT NULL
                      AND requested_at <= now() - make_interval(secs => :long_wait_seconds)
                    ORDER BY requested_at, position
                    LIMIT LEAST(ready.slots, :max_runs_of_org)
                ) AS waited_long
            )
            UNION ALL
            (
                SELECT run_id, 1, row_number() OVER (ORDER BY of_batch, position, requested_at, run_id) FROM (
                    SELECT run_id, batch_id IS NOT NULL AS of_batch, position, requested_at FROM runs
                    WHERE runs.org_id = ready.org_id AND status = 'queued' AND due_at IS NOT NULL
                      AND due_at <= statement_timestamp() AND expires_at > statement_timestamp()
                    ORDER BY (batch_id IS NOT NULL), position, requested_at, run_id
                    LIMIT LEAST(ready.slots, :max_runs_of_org)
                ) AS in_turn
            )
        ) AS candidates
        GROUP BY run_id
        ORDER BY min(queue), min(place)
        LIMIT LEAST(ready.slots, :max_runs_of_org)
    ) AS run
    ORDER BY ready.nth
    LIMIT :max_runs
), dispatched AS (
    UPDATE runs SET status = 'dispatched', dispatched_at = now(), dispatch_no = dispatch_no + 1
    FROM picked WHERE runs.run_id = picked.run_id AND runs.status = 'queued'
    RETURNING runs.run_id, runs.org_id, runs.request_id, runs.batch_id, runs.prompt_index, runs.dispatched_at,
              runs.dispatch_no, runs.requested_at, runs.traceparent
), given AS MATERIALIZED (
    SELECT ready.org_id, count(dispatched.run_id) AS slots,
           count(dispatched.run_id) < LEAST(max(ready.slots), :max_runs_of_org)
               AND (SELECT count(*) FROM picked) < :max_runs AS slots_are_left,
           coalesce(array_agg(dispatched.run_id) FILTER (WHERE dispatched.run_id IS NOT NULL), '{{}}') AS run_ids
    FROM ready LEFT JOIN dispatched USING (org_id)
    GROUP BY ready.org_id
), served AS (
    UPDATE orgs
    SET in_use = in_use + given.slots,
        served_at = CASE WHEN given.slots > 0 THEN clock_timestamp() ELSE served_at END,
        next_due_at = CASE WHEN given.slots_are_left THEN (
            SELECT due_at FROM runs
            WHERE runs.org_id = orgs.org_id AND status = 'queued' AND due_at IS NOT NULL AND stagger_seconds > 0
              AND run_id <> ALL (given.run_ids)
            ORDER BY due_at
            LIMIT 1
        ) ELSE next_due_at END
    FROM given WHERE orgs.org_id = given.org_id
)
SELECT {TOLD} FROM dispatched LEFT JOIN requests USING (request_id) ORDER BY dispatched.run_id
"""  # noqa: S608

SECONDS_TO_NEXT = """
SELECT extract(epoch FROM LEAST(
    (SELECT min(next_due_at) FROM orgs WHERE next_due_at IS NOT NULL AND in_use < max_concurrent_runs),
    (SELECT min(expires_at) FROM runs WHERE status IN ('waiting_funds', 'queued'))
) - clock_timestamp())
"""

# Without room for anything only what expires is worth a tick; an end or an announcement wakes the ticker by itself.
SECONDS_TO_NEXT_EXPIRY = """
SELECT extract(epoch FROM min(expires_at) - clock_timestamp()) FROM runs WHERE status IN ('waiting_funds', 'queued')
"""
