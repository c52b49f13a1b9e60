"""Dispatches become attempts, once each."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from services.caller.domain import limits
from services.caller.domain.attempt import CANCELED, Claimed, Failure, GivenUp, Returned
from services.caller.edges.db.given import given
from services.caller.edges.held import Taken
from services.caller.edges.taking import Taking
from services.caller.ports import Dispatch
from shared.db.transaction import Transaction

COLUMNS = {
    "run_id": "bigint",
    "org_id": "bigint",
    "batch_id": "bigint",
    "dispatch_no": "integer",
    "start_before": "timestamptz",
    "traceparent": "text",
}

# What waits has its turn first. What was heard of before is not for this statement.
TAKE = f"""
INSERT INTO attempts ({", ".join(COLUMNS)}, status, lease_token, lease_expires_at)
SELECT given.*, 'dialling', :token, clock_timestamp() + make_interval(secs => :seconds)
FROM {given(COLUMNS)}
WHERE start_before > now() AND NOT EXISTS (
    SELECT FROM attempts WHERE lease_expires_at IS NULL AND ended_at IS NULL AND attempts.start_before > now()
)
ORDER BY run_id
ON CONFLICT (run_id) DO NOTHING
RETURNING run_id, call_id, CAST(extract(epoch FROM start_before - clock_timestamp()) AS float) AS starts_within,
    CAST(pg_current_xact_id() AS text) AS xid
"""  # noqa: S608 - names of this file

# A later dispatch gives a returned attempt another chance, and one that was not dialled more time; an older one, or the
# same again, changes nothing. What is refused because the run was given back already is given back once more: a
# scheduler that was rebuilt counts from 1 again, and has to hear how far the numbers have come.
LET_WAIT = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM {given(COLUMNS | {"dispatch": "text"})}
), added AS (
    INSERT INTO attempts ({", ".join(COLUMNS)}, dispatch, status)
    SELECT *, 'waiting' FROM given ORDER BY run_id
    ON CONFLICT (run_id) DO UPDATE
    SET status = CASE attempts.status WHEN 'returned' THEN 'waiting' ELSE attempts.status END,
        heard_at = CASE attempts.status WHEN 'returned' THEN clock_timestamp() ELSE attempts.heard_at END,
        dispatch = CASE attempts.status WHEN 'dialling' THEN NULL ELSE excluded.dispatch END,
        ended_at = NULL, dispatch_no = excluded.dispatch_no, start_before = excluded.start_before,
        traceparent = excluded.traceparent
    WHERE attempts.status IN ('returned', 'waiting', 'claimed', 'dialling')
      AND coalesce(attempts.dispatch_no, 0) < excluded.dispatch_no
    RETURNING run_id
)
SELECT run_id, attempts.org_id, attempts.batch_id, attempts.dispatch_no, attempts.ended_at, attempts.traceparent
FROM given JOIN attempts USING (run_id)
WHERE attempts.status = 'returned' AND run_id NOT IN (SELECT run_id FROM added)
"""  # noqa: S608


# What somebody holds stays theirs to end, and they hang up; what was given back is the scheduler's.
CANCEL = """
WITH mine AS MATERIALIZED (
    SELECT run_id FROM attempts
    WHERE run_id = ANY(CAST(:ids AS bigint[])) AND status IN ('waiting', 'claimed', 'dialling', 'started')
    ORDER BY run_id FOR UPDATE
)
UPDATE attempts
SET canceled_at = coalesce(canceled_at, now()),
    status = CASE status WHEN 'waiting' THEN 'failed' ELSE status END,
    ended_at = CASE status WHEN 'waiting' THEN clock_timestamp() END,
    dispatch = CASE status WHEN 'waiting' THEN NULL ELSE dispatch END
FROM mine WHERE attempts.run_id = mine.run_id AND status IN ('waiting', 'claimed', 'dialling', 'started')
RETURNING attempts.run_id, org_id, batch_id, call_id, started_at, talked_ms, ended_at, CAST(:reason AS text),
          traceparent
"""


class Arriving:
    """The way in, on one transaction."""

    def __init__(self, transaction: Transaction, taking: Taking) -> None:
        self._transaction = transaction
        self._taking = taking

    async def add(self, dispatches: Sequence[Dispatch]) -> list[Returned]:
        latest = {one.event.run_id: one for one in sorted(dispatches, key=lambda one: one.number or 0)}
        taken = await self._take(list(latest.values()))
        left = [one for run_id, one in latest.items() if run_id not in taken]
        return await self._let_wait(left) if left else []

    async def _take(self, dispatches: Sequence[Dispatch]) -> frozenset[int]:
        """Take as many as there is room for, if nothing waits; the organisations take turns."""
        in_turns = _in_turns(dispatches)
        take = self._taking.reserve(self._transaction, [self._taking.weigh(one.event) for one in in_turns])
        if not take.room:
            return frozenset()
        first = {one.event.run_id: one for one in in_turns[: take.room]}
        rows = await self._transaction.rows(
            TAKE, token=take.token, seconds=limits.LEASE_SECONDS, **_columns(first.values())
        )
        take.xid = rows[0].xid if rows else ""
        take.attempts = [
            Taken(
                Claimed(row.run_id, row.call_id, take.token, first[row.run_id].traceparent, row.starts_within),
                first[row.run_id].event,
            )
            for row in rows
        ]
        return frozenset(row.run_id for row in rows)

    async def _let_wait(self, dispatches: Sequence[Dispatch]) -> list[Returned]:
        texts = [one.event.model_dump_json() for one in dispatches]
        rows = await self._transaction.rows(LET_WAIT, dispatch=texts, **_columns(dispatches))
        self._taking.let_wait(self._transaction)
        return [Returned(*row) for row in rows]

    async def cancel(self, run_ids: Collection[int]) -> list[GivenUp]:
        if not run_ids:
            return []
        rows = await self._transaction.rows(CANCEL, ids=list(run_ids), reason=CANCELED)
        self._taking.hang_up(self._transaction, [row.run_id for row in rows if row.ended_at is None])
        return [GivenUp(*row) for row in rows if row.ended_at is not None]

    async def add_failed(self, failures: Sequence[Failure]) -> list[GivenUp]:
        if not failures:
            return []
        first = {one.run_id: one for one in reversed(failures)}
        rows = await self._transaction.rows(
            """
            INSERT INTO attempts (run_id, traceparent, status, start_before, ended_at)
            SELECT *, 'failed', now(), clock_timestamp()
            FROM unnest(CAST(:runs AS bigint[]), CAST(:traceparents AS text[])) ORDER BY 1
            -- A run that was returned waits for a dispatch that will not come any more.
            ON CONFLICT (run_id) DO UPDATE SET status = 'failed', ended_at = clock_timestamp()
            WHERE attempts.status = 'returned'
            RETURNING run_id, ended_at
            """,
            runs=sorted(first),
            traceparents=[one.traceparent for _, one in sorted(first.items())],
        )
        return [
            GivenUp(
                row.run_id,
                None,
                None,
                None,
                None,
                None,
                row.ended_at,
                first[row.run_id].reason,
                first[row.run_id].traceparent,
            )
            for row in rows
        ]


def _in_turns(dispatches: Sequence[Dispatch]) -> list[Dispatch]:
    """Order them so that each organisation's first come first, then each one's second."""
    before = Counter[int]()
    turns = []
    for one in dispatches:
        turns.append(before[one.event.org_id])
        before[one.event.org_id] += 1
    return [one for _, one in sorted(zip(turns, dispatches, strict=True), key=lambda turn: turn[0])]


def _columns(dispatches: Iterable[Dispatch]) -> dict[str, list[object]]:
    return {
        "run_id": [one.event.run_id for one in dispatches],
        "org_id": [one.event.org_id for one in dispatches],
        "batch_id": [one.event.batch_id for one in dispatches],
        "dispatch_no": [one.number for one in dispatches],
        "start_before": [one.event.start_before for one in dispatches],
        "traceparent": [one.traceparent for one in dispatches],
    }
