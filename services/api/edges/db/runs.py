"""Runs and their calls in PostgreSQL: locked and read once, written once."""

from collections.abc import Collection, Sequence
from operator import attrgetter

from services.api import metrics
from services.api.domain.progress import Run
from services.api.domain.recordings import told_once
from services.api.edges.db.columns import Columns
from shared.db.transaction import Transaction

_READ = (
    *("id", "org_id", "request_id", "batch_id", "agent_id", "direction", "target_number", "created_at"),
    *("status", "call_id", "started_at", "completed_at", "duration_seconds", "error_message", "end_lost_at"),
    *("billed_at", "billed_cents", "billable_minutes", "funds_answered", "sip_call_id", "call_id AS stored_call_id"),
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
_RUN_ROW = attrgetter(*_RUN.columns)

_CALL = (
    *("org_id", "run_id", "call_id", "agent_id", "direction", "from_number", "to_number", "product", "voice"),
    *("start_time", "end_time", "duration_seconds", "status", "end_reason", "transcript"),
    *("figures", "sip_answered_at"),
)
_OF_CALL = attrgetter(*_CALL[2:])
# What a call began with is never written again.
_END = Columns(
    call_id="bigint", end_time="timestamptz", duration_seconds="integer", status="text", end_reason="text",
    transcript="jsonb", figures="json", sip_answered_at="timestamptz",
)  # fmt: skip
_END_CALLS = f"""
UPDATE calls SET end_time = new.end_time, duration_seconds = new.duration_seconds, status = new.status,
                 end_reason = new.end_reason, transcript = new.transcript, figures = new.figures,
                 sip_answered_at = COALESCE(new.sip_answered_at, calls.sip_answered_at)
FROM {_END.unnest} WHERE calls.call_id = new.call_id
"""  # noqa: S608 - the columns are those above
_END_OF_CALL = attrgetter(*_END.columns)

_RECORDED = Columns(
    org_id="bigint", call_id="bigint", mode="text", name="text", peaks_name="text", is_stored="boolean",
    is_settled="boolean", size_bytes="bigint", duration_ms="bigint", started_at="timestamptz",
)  # fmt: skip
_OF_RECORDED = attrgetter(*_RECORDED.columns[1:])
_KEEP_RECORDED = f"""
INSERT INTO recordings AS known ({_RECORDED.names}) SELECT * FROM {_RECORDED.unnest} ORDER BY call_id
ON CONFLICT (call_id) DO UPDATE
SET mode = excluded.mode, name = excluded.name, peaks_name = excluded.peaks_name, is_stored = excluded.is_stored,
    is_settled = excluded.is_settled, size_bytes = excluded.size_bytes, duration_ms = excluded.duration_ms,
    started_at = excluded.started_at
WHERE NOT known.is_settled AND excluded.is_settled
"""  # noqa: S608 - the columns are those above
# Of whatever was heard first: the call's row may come later than what is known of its recording.
_SHOW_RECORDED = """
UPDATE calls SET recording_mode = recordings.mode, recording_started_at = recordings.started_at
FROM recordings WHERE calls.call_id = ANY(CAST(:ids AS bigint[])) AND recordings.call_id = calls.call_id
"""


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
        new, ended = [], []
        for run in runs:
            if run.second_leg is not None:
                ended.append(_END_OF_CALL(run.second_leg))
            if run.call is None:
                continue
            if run.call.call_id == run.stored_call_id:
                ended.append(_END_OF_CALL(run.call))
            else:
                new.append((run.org_id, run.id, *_OF_CALL(run.call)))
        await self._transaction.copy("calls", _CALL, new)
        if ended:
            await self._transaction.run(_END_CALLS, **_END.arrays(ended))

    async def write_recordings(self, runs: Sequence[Run]) -> None:
        of_org = {id(one): run.org_id for run in runs for one in run.recorded}
        told = told_once(one for run in runs for one in run.recorded)
        if not told:
            return
        rows = [(of_org[id(one)], *_OF_RECORDED(one)) for one in told]
        await self._transaction.run(_KEEP_RECORDED, **_RECORDED.arrays(rows))
        await self._transaction.run(_SHOW_RECORDED, ids=[one.call_id for one in told])
