"""The customer's picture in PostgreSQL: every method is a few set-based statements, and every transition is guarded."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.api.edges.db.billing import SqlBilling
from services.api.edges.db.counting import count_batches
from services.api.edges.db.directory import SqlDirectory
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed


class SqlPicture(SqlDirectory, SqlBilling):
    """The picture on one transaction."""

    async def fail_requests(self, reasons: Mapping[int, str], at: Mapping[int, datetime]) -> None:
        await self._fail_queued("request_id", reasons, at)

    async def fail_queued(self, reasons: Mapping[int, str], at: Mapping[int, datetime]) -> None:
        await self._fail_queued("id", reasons, at)

    async def _fail_queued(self, column: str, reasons: Mapping[int, str], at: Mapping[int, datetime]) -> None:
        if not reasons:
            return
        rows = await self._transaction.rows(
            f"""
            UPDATE runs SET status = 'failed', error_message = gone.reason, completed_at = gone.at,
                            updated_at = clock_timestamp()
            FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[]), CAST(:ats AS timestamptz[]))
                 AS gone (id, reason, at)
            WHERE runs.{column} = gone.id AND runs.status = 'queued'
            RETURNING runs.batch_id
            """,  # noqa: S608 - the column is one of the two above
            ids=list(reasons),
            reasons=list(reasons.values()),
            ats=[at[number] for number in reasons],
        )
        await count_batches(self._transaction, {row.batch_id for row in rows})

    async def start(self, events: Sequence[CallStarted]) -> None:
        rows = await self._transaction.rows(
            """
            WITH new AS (
                SELECT * FROM unnest(CAST(:runs AS bigint[]), CAST(:calls AS bigint[]), CAST(:agents AS bigint[]),
                    CAST(:directions AS text[]), CAST(:froms AS text[]), CAST(:tos AS text[]),
                    CAST(:products AS text[]), CAST(:voices AS text[]), CAST(:ats AS timestamptz[]))
                    AS n (run_id, call_id, agent_id, direction, from_number, to_number, product, voice, started_at)
            ), moved AS (
                UPDATE runs SET status = 'in_progress', call_id = new.call_id, started_at = new.started_at,
                                updated_at = clock_timestamp()
                FROM new WHERE runs.id = new.run_id AND runs.status = 'queued'
                RETURNING runs.id, runs.org_id, runs.batch_id
            ), added AS (
                INSERT INTO calls (call_id, org_id, run_id, agent_id, direction, from_number, to_number, product,
                                   voice, start_time, status)
                SELECT new.call_id, moved.org_id, new.run_id, new.agent_id, new.direction, new.from_number,
                       new.to_number, new.product, new.voice, new.started_at, 'in_progress'
                FROM new JOIN moved ON moved.id = new.run_id
                ON CONFLICT DO NOTHING
            )
            SELECT DISTINCT batch_id FROM moved WHERE batch_id IS NOT NULL
            """,
            runs=[event.run_id for event in events],
            calls=[event.call_id for event in events],
            agents=[event.agent_id for event in events],
            directions=[event.direction for event in events],
            froms=[event.from_number for event in events],
            tos=[event.to_number for event in events],
            products=[event.product for event in events],
            voices=[event.voice for event in events],
            ats=[event.started_at for event in events],
        )
        await count_batches(self._transaction, {row.batch_id for row in rows})

    async def complete(self, events: Sequence[TestCallCompleted]) -> None:
        first = list({event.run_id: event for event in reversed(events)}.values())
        rows = await self._transaction.rows(
            """
            WITH new AS (
                SELECT * FROM unnest(CAST(:runs AS bigint[]), CAST(:calls AS bigint[]), CAST(:starts AS timestamptz[]),
                    CAST(:ends AS timestamptz[]), CAST(:durations AS integer[]), CAST(:reasons AS text[]),
                    CAST(:transcripts AS text[]))
                    AS n (run_id, call_id, started_at, ended_at, duration_seconds, end_reason, transcript)
            ), moved AS (
                UPDATE runs SET status = 'completed', call_id = new.call_id, started_at = new.started_at,
                                completed_at = new.ended_at, duration_seconds = new.duration_seconds,
                                end_lost_at = NULL, updated_at = clock_timestamp()
                FROM new
                WHERE runs.id = new.run_id
                  -- A completion that could not be read may come again, mended.
                  AND (runs.completed_at IS NULL OR runs.status = 'completed' AND runs.end_lost_at IS NOT NULL)
                RETURNING runs.id, runs.org_id, runs.agent_id, runs.direction, runs.target_number, runs.batch_id
            ), ended AS (
                -- The call is there already, unless its CallStarted could not be read.
                INSERT INTO calls (call_id, org_id, run_id, agent_id, direction, from_number, to_number, product,
                                   voice, start_time, end_time, duration_seconds, status, end_reason, transcript)
                SELECT new.call_id, moved.org_id, moved.id, moved.agent_id,
                       CASE moved.direction WHEN 'outbound' THEN 'inbound' ELSE 'outbound' END,
                       CASE moved.direction WHEN 'outbound' THEN moved.target_number ELSE '' END,
                       CASE moved.direction WHEN 'outbound' THEN '' ELSE moved.target_number END,
                       '', '', new.started_at, new.ended_at, new.duration_seconds, 'completed', new.end_reason,
                       CAST(new.transcript AS jsonb)
                FROM new JOIN moved ON moved.id = new.run_id
                ON CONFLICT (call_id) DO UPDATE
                SET end_time = excluded.end_time, duration_seconds = excluded.duration_seconds, status = 'completed',
                    end_reason = excluded.end_reason, transcript = excluded.transcript
            )
            SELECT batch_id FROM moved WHERE batch_id IS NOT NULL
            """,
            runs=[event.run_id for event in first],
            calls=[event.call_id for event in first],
            starts=[event.started_at for event in first],
            ends=[event.ended_at for event in first],
            durations=[event.duration_seconds for event in first],
            reasons=[event.end_reason for event in first],
            transcripts=[_transcript(event) for event in first],
        )
        await count_batches(self._transaction, {row.batch_id for row in rows})

    async def fail(self, events: Sequence[TestCallFailed]) -> None:
        if not events:
            return
        first = list({event.run_id: event for event in reversed(events)}.values())
        rows = await self._transaction.rows(
            """
            WITH new AS (
                SELECT * FROM unnest(CAST(:runs AS bigint[]), CAST(:ends AS timestamptz[]),
                    CAST(:durations AS integer[]), CAST(:messages AS text[]), CAST(:transcripts AS text[]))
                    AS n (run_id, ended_at, duration_seconds, message, transcript)
            ), moved AS (
                UPDATE runs SET status = 'failed', error_message = new.message, completed_at = new.ended_at,
                                duration_seconds = new.duration_seconds, updated_at = clock_timestamp()
                FROM new WHERE runs.id = new.run_id AND runs.status IN ('queued', 'in_progress')
                RETURNING runs.id, runs.call_id, runs.batch_id
            ), ended AS (
                UPDATE calls SET status = 'failed', end_reason = 'error', end_time = new.ended_at,
                                 duration_seconds = new.duration_seconds, transcript = CAST(new.transcript AS jsonb)
                FROM new JOIN moved ON moved.id = new.run_id
                WHERE calls.call_id = moved.call_id AND calls.status = 'in_progress'
            )
            SELECT batch_id FROM moved WHERE batch_id IS NOT NULL
            """,
            runs=[event.run_id for event in first],
            ends=[event.ended_at for event in first],
            durations=[event.duration_seconds for event in first],
            messages=[event.error_message for event in first],
            transcripts=[_transcript(event) for event in first],
        )
        await count_batches(self._transaction, {row.batch_id for row in rows})


def _transcript(event: TestCallCompleted | TestCallFailed) -> str:
    return json.dumps([turn.model_dump() for turn in event.transcript], ensure_ascii=False)
