"""Runs and their calls in PostgreSQL: locked and read once, written once."""

from collections.abc import Collection, Sequence
from operator import attrgetter

from services.api import metrics
from services.api.domain.progress import Run
from services.api.edges.db.columns import Columns
from shared.db.transaction import Transaction

_READ = (
    *("id", "org_id", "request_id", "batch_id", "agent_id", "direction", "target_number", "created_at"),
    *("status", "call_id", "started_at", "completed_at", "duration_seconds", "error_message", "end_lost_at"),
    *("billed_at", "billed_cents", "billable_minutes", "funds_answered"),
)
# The ids are found before anything is locked, so that all are locked in one order. Not FOR UPDATE: a key that refers
# to the row may be written meanwhile.
_LOCK_RUNS = f"""
SELECT {", ".join(_READ)} FROM runs
WHERE id = ANY(array_cat(CAST(:run_ids AS bigint[]), ARRAY(
    SELECT id FROM runs
    WHERE request_id = ANY(CAST(:request_ids AS bigint[]))
      AND (NOT funds_answered OR request_id = ANY(CAST(:declined AS bigint[])))
)))
ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 - the columns are those above

_RUN = Columns(
    id="bigint",
    status="text",
    call_id="bigint",
    started_at="timestamptz",
    completed_at="timestamptz",
    duration_seconds="integer",
    error_message="text",
    end_lost_at="timestamptz",
    billed_at="timestamptz",
    billed_cents="bigint",
    billable_minutes="integer",
    funds_answered="boolean",
    is_seen="boolean",
)
_WRITE_RUNS = f"""
UPDATE runs SET status = new.status, call_id = new.call_id, started_at = new.started_at,
                completed_at = new.completed_at, duration_seconds = new.duration_seconds,
                error_message = new.error_message, end_lost_at = new.end_lost_at, billed_at = new.billed_at,
                billed_cents = new.billed_cents, billable_minutes = new.billable_minutes,
                funds_answered = new.funds_answered,
                updated_at = CASE WHEN new.is_seen THEN clock_timestamp() ELSE runs.updated_at END
FROM {_RUN.unnest} WHERE runs.id = new.id
"""  # noqa: S608 - the columns are those above
_RUN_ROW = attrgetter(*_RUN.names.split(", "))

_CALL = Columns(
    org_id="bigint",
    run_id="bigint",
    call_id="bigint",
    agent_id="bigint",
    direction="text",
    from_number="text",
    to_number="text",
    product="text",
    voice="text",
    start_time="timestamptz",
    end_time="timestamptz",
    duration_seconds="integer",
    status="text",
    end_reason="text",
    transcript="jsonb",
)
_OF_RUN, _OF_CALL = attrgetter("org_id", "id"), attrgetter(*_CALL.names.split(", ")[2:])
# What a call began with is never written again.
_WRITE_CALLS = f"""
INSERT INTO calls ({_CALL.names}) SELECT * FROM {_CALL.unnest}
ON CONFLICT (call_id) DO UPDATE
SET end_time = excluded.end_time, duration_seconds = excluded.duration_seconds, status = excluded.status,
    end_reason = excluded.end_reason, transcript = excluded.transcript
WHERE excluded.end_time IS NOT NULL
"""  # noqa: S608 - the columns are those above


class SqlRuns:
    """Runs and calls on one transaction."""

    _transaction: Transaction

    async def lock_runs(
        self, run_ids: Collection[int], *, declined: Collection[int], answered: Collection[int]
    ) -> list[Run]:
        rows = await self._transaction.rows(
            _LOCK_RUNS,
            run_ids=sorted(run_ids),
            request_ids=sorted({*declined, *answered}),
            declined=sorted(declined),
        )
        return [Run(*row) for row in rows]

    async def write_runs(self, runs: Sequence[Run]) -> None:
        if not runs:
            return
        await self._transaction.run(_WRITE_RUNS, **_RUN.arrays(_RUN_ROW(run) for run in runs))
        for run in runs:
            if run.is_billed and run.billed_at is not None:
                metrics.RUN_SECONDS.observe(max(0.0, (run.billed_at - run.created_at).total_seconds()))

    async def write_calls(self, runs: Sequence[Run]) -> None:
        if runs:
            rows = [(*_OF_RUN(run), *_OF_CALL(run.call)) for run in runs]
            await self._transaction.run(_WRITE_CALLS, **_CALL.arrays(rows))
