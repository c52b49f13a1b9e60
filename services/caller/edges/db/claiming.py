"""The statement that claims: organisations take turns, and what is overdue is not walked."""

_WAITING = "lease_token IS NULL AND ended_at IS NULL"

# `walk` goes from organisation to organisation on the index, one step each, begins after the one that had the last turn
# and goes round once. It is read only as far as there is room. Of each organisation it sees the attempt that may be
# started longest: if that one is overdue, so are all.
CLAIM = f"""
WITH RECURSIVE walk (org_id, start_before, went_round, nth) AS (
    SELECT CAST(:after_org AS bigint), CAST('-infinity' AS timestamptz), false, 0
    UNION ALL
    SELECT next.org_id, next.start_before, next.went_round, walk.nth + 1
    FROM walk, LATERAL (
        (
            SELECT org_id, start_before, walk.went_round FROM attempts
            WHERE {_WAITING} AND org_id > walk.org_id
              AND org_id <= CASE WHEN walk.went_round THEN :after_org ELSE 9223372036854775807 END
            ORDER BY org_id, start_before DESC LIMIT 1
        ) UNION ALL (
            SELECT org_id, start_before, true FROM attempts
            WHERE {_WAITING} AND org_id <= :after_org AND NOT walk.went_round
            ORDER BY org_id, start_before DESC LIMIT 1
        )
        ORDER BY went_round LIMIT 1
    ) AS next
), orgs AS MATERIALIZED (
    -- A few more than there is room for: another instance may just be taking what waits of one.
    SELECT org_id, nth FROM walk WHERE start_before > now()
    LIMIT LEAST(CAST(:orgs AS bigint), CAST(:room AS bigint) + 10)
), shares AS MATERIALIZED (
    SELECT (:room + count(*) - 1) / count(*) AS share, count(*) AS orgs FROM orgs HAVING count(*) > 0
), turns AS (
    SELECT mine.run_id, orgs.nth,
           row_number() OVER (PARTITION BY orgs.org_id ORDER BY mine.start_before, mine.run_id) AS turn
    FROM orgs, LATERAL (
        SELECT run_id, start_before FROM attempts
        WHERE {_WAITING} AND org_id = orgs.org_id AND start_before > now()
        ORDER BY start_before LIMIT (SELECT share FROM shares) FOR UPDATE SKIP LOCKED
    ) AS mine
), next AS MATERIALIZED (
    SELECT * FROM turns ORDER BY turn, nth LIMIT :room
)
UPDATE attempts
SET status = 'claimed', lease_token = gen_random_uuid(), lease_expires_at = now() + make_interval(secs => :seconds)
FROM next, shares WHERE attempts.run_id = next.run_id
RETURNING attempts.run_id, org_id, call_id, lease_token, dispatch, traceparent, turn, nth, share, orgs,
    CAST(extract(epoch FROM start_before - now()) AS float) AS starts_within
"""  # noqa: S608 - a constant of this file
