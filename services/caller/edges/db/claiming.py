"""Claiming what waits: organisations take turns, and what is overdue is not walked."""

from dataclasses import dataclass

from services.caller.domain import limits
from services.caller.domain.attempt import Claimed
from services.caller.edges.held import Taken
from services.caller.edges.taking import Take
from shared.db.transaction import Transaction

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
    SELECT mine.run_id, mine.dispatch, orgs.nth,
           row_number() OVER (PARTITION BY orgs.org_id ORDER BY mine.start_before, mine.run_id) AS turn
    FROM orgs, LATERAL (
        SELECT run_id, start_before, dispatch FROM attempts
        WHERE {_WAITING} AND org_id = orgs.org_id AND start_before > now()
        ORDER BY start_before LIMIT (SELECT share FROM shares) FOR UPDATE SKIP LOCKED
    ) AS mine
), next AS MATERIALIZED (
    SELECT * FROM turns ORDER BY turn, nth LIMIT :room
)
UPDATE attempts
SET status = 'dialling', lease_token = :token, lease_expires_at = clock_timestamp() + make_interval(secs => :seconds),
    dispatch = NULL
FROM next, shares WHERE attempts.run_id = next.run_id
RETURNING attempts.run_id, org_id, call_id, next.dispatch, traceparent, turn, nth, share, orgs,
    CAST(extract(epoch FROM start_before - clock_timestamp()) AS float) AS starts_within,
    CAST(pg_current_xact_id() AS text) AS xid
"""  # noqa: S608 - a constant of this file


@dataclass(frozen=True, slots=True)
class Claims:
    """Where a claim goes on: after the organisation that had the last turn."""

    last_org: int
    may_be_more: bool


async def claim(transaction: Transaction, take: Take, after_org: int = 0) -> Claims:
    """Take as many waiting attempts as there is room for.

    The organisations take turns, beginning with the one after `after_org`; of each, the oldest come first.
    """
    rows = await transaction.rows(
        CLAIM,
        room=take.room,
        after_org=after_org,
        orgs=limits.MAX_CLAIM_ORGS,
        token=take.token,
        seconds=limits.LEASE_SECONDS,
    )
    take.xid = rows[0].xid if rows else ""
    take.attempts = [
        Taken(Claimed(row.run_id, row.call_id, take.token, row.traceparent, row.starts_within), row.dispatch)
        for row in rows
    ]
    # Where all had a turn, a second one may have been left half done; where not, the others come next.
    last = max(rows, key=lambda row: (row.turn if row.orgs < limits.MAX_CLAIM_ORGS else 0, row.nth), default=None)
    return Claims(
        after_org if last is None else last.org_id,
        len(rows) == take.room or any(row.turn == row.share for row in rows),
    )
