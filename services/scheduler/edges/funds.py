"""Billing's answers: runs whose funds are held go out at once where nobody stands before them, or queue."""

from collections.abc import Collection

from services.scheduler.domain import limits
from services.scheduler.domain.run import Answered
from services.scheduler.edges.payloads import forget_payloads
from services.scheduler.edges.statements import TOLD
from services.scheduler.edges.telling import told
from shared.db.transaction import Transaction

# Billing's answers. A run that is due goes out with the answer, in one row written, where nobody stands before it: no
# run of anybody waits for :room, its organisation has slots for all that it brings, and all of them together have room.
ANSWER_FUNDS = f"""
WITH answered AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:reserved AS boolean[])) AS given (request_id, reserved)
), mine AS MATERIALIZED (
    SELECT runs.run_id, runs.org_id, answered.reserved,
           answered.reserved AND due_at IS NOT NULL AND due_at <= statement_timestamp()
               AND expires_at > statement_timestamp() AS is_due
    FROM answered JOIN runs USING (request_id) WHERE runs.status = 'waiting_funds'
), fitting AS MATERIALIZED (
    SELECT org_id, wanted.runs FROM (SELECT org_id, count(*) AS runs FROM mine WHERE is_due GROUP BY org_id) AS wanted
    JOIN orgs USING (org_id)
    WHERE in_use + wanted.runs <= max_concurrent_runs AND (next_due_at IS NULL OR next_due_at > statement_timestamp())
), direct AS MATERIALIZED (
    SELECT * FROM fitting WHERE (SELECT sum(runs) FROM fitting) <= CAST(:room AS integer)
), changed AS (
    UPDATE runs
    SET status = CASE WHEN NOT now_.reserved THEN 'ended' WHEN now_.goes THEN 'dispatched' ELSE 'queued' END,
        ended_at = CASE WHEN NOT now_.reserved THEN now() END,
        dispatched_at = CASE WHEN now_.goes THEN now() END,
        dispatch_no = dispatch_no + CASE WHEN now_.goes THEN 1 ELSE 0 END
    FROM (SELECT mine.*, is_due AND org_id IN (SELECT org_id FROM direct) AS goes FROM mine) AS now_
    WHERE runs.run_id = now_.run_id AND runs.status = 'waiting_funds'
    RETURNING runs.*
), dispatched AS (
    SELECT * FROM changed WHERE status = 'dispatched'
), queued AS (
    SELECT org_id, min(due_at) AS due_at FROM changed WHERE status = 'queued' GROUP BY org_id
), marked AS (
    UPDATE orgs
    SET next_due_at = LEAST(next_due_at, mine_.due_at), in_use = in_use + mine_.runs,
        served_at = CASE WHEN mine_.runs > 0 THEN clock_timestamp() ELSE served_at END
    FROM (
        SELECT org_id, queued.due_at, coalesce(direct.runs, 0) AS runs FROM queued FULL JOIN direct USING (org_id)
    ) AS mine_
    WHERE orgs.org_id = mine_.org_id AND (mine_.due_at IS NOT NULL OR mine_.runs > 0)
), early AS (
    INSERT INTO funds_stubs (request_id, reserved)
    SELECT request_id, reserved FROM answered
    WHERE NOT EXISTS (SELECT FROM runs WHERE runs.request_id = answered.request_id)
    ON CONFLICT DO NOTHING
)
SELECT work.is_left, work.due_in_seconds, {TOLD}
FROM (
    SELECT EXISTS (
               SELECT FROM queued JOIN orgs USING (org_id)
               WHERE queued.due_at <= statement_timestamp() AND in_use < max_concurrent_runs
                 AND org_id NOT IN (SELECT org_id FROM direct)
           ) AS is_left,
           (SELECT CAST(extract(epoch FROM min(due_at) - statement_timestamp()) AS float8) FROM changed
            WHERE status = 'queued' AND due_at > statement_timestamp()) AS due_in_seconds
) AS work LEFT JOIN dispatched ON true LEFT JOIN requests USING (request_id)
ORDER BY dispatched.run_id
"""  # noqa: S608


class Funds:
    """Answers of one transaction, noted by use cases and applied together."""

    _transaction: Transaction
    _answers: dict[int, bool]

    def note_funds(self, request_ids: Collection[int], *, reserved: bool) -> None:
        for request_id in request_ids:
            self._answers.setdefault(request_id, reserved)

    async def answer_funds(self, room: int) -> Answered:
        answers, self._answers = self._answers, {}
        if not answers:
            return Answered([], is_work_left=False, due_in_seconds=None)
        rows = await self._transaction.rows(
            ANSWER_FUNDS,
            ids=list(answers),
            reserved=list(answers.values()),
            room=min(room, limits.MAX_DISPATCHES_PER_TICK),
            start_within_seconds=limits.START_WITHIN_SECONDS,
        )
        declined = [request_id for request_id, reserved in answers.items() if not reserved]
        await forget_payloads(self._transaction, declined)
        work = rows[0]
        dispatched = told([row for row in rows if row.run_id is not None], skip=2)
        return Answered(dispatched, is_work_left=work.is_left, due_in_seconds=work.due_in_seconds)
