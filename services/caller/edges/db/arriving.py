"""Dispatches become attempts, once each."""

from collections.abc import Sequence

from services.caller.domain.attempt import Failure, GivenUp, Returned
from services.caller.ports import Dispatch
from shared.db.transaction import Transaction

# A later dispatch gives a returned attempt another chance, and one that was not dialled more time; an older one, or the
# same again, changes nothing. What is refused because the run was given back already is given back once more: a
# scheduler that was rebuilt counts from 1 again, and has to hear how far the numbers have come.
ADD_ATTEMPTS = """
WITH given AS (
    SELECT * FROM unnest(CAST(:runs AS bigint[]), CAST(:orgs AS bigint[]), CAST(:batches AS bigint[]),
        CAST(:dispatches AS text[]), CAST(:numbers AS integer[]), CAST(:befores AS timestamptz[]),
        CAST(:traceparents AS text[]))
        AS g (run_id, org_id, batch_id, dispatch, dispatch_no, start_before, traceparent)
), added AS (
    INSERT INTO attempts (run_id, org_id, batch_id, dispatch, dispatch_no, start_before, traceparent, status)
    SELECT *, 'waiting' FROM given ORDER BY run_id
    ON CONFLICT (run_id) DO UPDATE
    SET status = CASE attempts.status WHEN 'returned' THEN 'waiting' ELSE attempts.status END,
        heard_at = CASE attempts.status WHEN 'returned' THEN clock_timestamp() ELSE attempts.heard_at END,
        ended_at = NULL, dispatch = excluded.dispatch, dispatch_no = excluded.dispatch_no,
        start_before = excluded.start_before, traceparent = excluded.traceparent
    WHERE attempts.status IN ('returned', 'waiting', 'claimed')
      AND coalesce(attempts.dispatch_no, 0) < excluded.dispatch_no
    RETURNING run_id
)
SELECT run_id, attempts.org_id, attempts.batch_id, attempts.dispatch_no, attempts.ended_at, attempts.traceparent
FROM given JOIN attempts USING (run_id)
WHERE attempts.status = 'returned' AND run_id NOT IN (SELECT run_id FROM added)
"""


class Arriving:
    """The way in, on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, dispatches: Sequence[Dispatch]) -> list[Returned]:
        latest = {one.event.run_id: one for one in sorted(dispatches, key=lambda one: one.number or 0)}
        given = [one for _, one in sorted(latest.items())]  # the order in which others lock attempts
        rows = await self._transaction.rows(
            ADD_ATTEMPTS,
            runs=[one.event.run_id for one in given],
            orgs=[one.event.org_id for one in given],
            batches=[one.event.batch_id for one in given],
            dispatches=[one.event.model_dump_json() for one in given],
            numbers=[one.number for one in given],
            befores=[one.event.start_before for one in given],
            traceparents=[one.traceparent for one in given],
        )
        return [Returned(*row) for row in rows]

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
