"""The customer's picture in PostgreSQL: every method is a few set-based statements, and every transition is guarded."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from services.api.edges.db.directory import SqlDirectory
from shared.events.billing import Account, LedgerEntry
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed
from shared.telemetry import metrics


class SqlPicture(SqlDirectory):
    """The picture on one transaction."""

    async def take_accounts(
        self, accounts: Sequence[tuple[int, Account]], entries: Sequence[tuple[int, LedgerEntry]]
    ) -> None:
        newest: dict[int, Account] = {}
        for org_id, account in accounts:
            if org_id not in newest or account.version > newest[org_id].version:
                newest[org_id] = account
        rows = sorted(newest.items())
        if rows:
            await self._transaction.run(
                """
                INSERT INTO funds (org_id, balance_cents, held_cents, version)
                SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:balances AS bigint[]), CAST(:held AS bigint[]),
                                     CAST(:versions AS bigint[]))
                ON CONFLICT (org_id) DO UPDATE
                SET balance_cents = excluded.balance_cents, held_cents = excluded.held_cents,
                    version = excluded.version, heard_at = clock_timestamp()
                WHERE funds.version < excluded.version
                """,
                orgs=[org_id for org_id, _ in rows],
                balances=[account.balance_cents for _, account in rows],
                held=[account.held_cents for _, account in rows],
                versions=[account.version for _, account in rows],
            )
        if entries:
            await self._transaction.run(
                """
                INSERT INTO ledger_entries (org_id, entry_id, run_id, batch_id, call_id, kind, amount_cents,
                                            balance_cents, held_cents, created_at)
                SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:runs AS bigint[]),
                    CAST(:batches AS bigint[]), CAST(:calls AS bigint[]), CAST(:kinds AS text[]),
                    CAST(:amounts AS bigint[]), CAST(:balances AS bigint[]), CAST(:held AS bigint[]),
                    CAST(:created AS timestamptz[]))
                ON CONFLICT DO NOTHING
                """,
                orgs=[org_id for org_id, _ in entries],
                ids=[entry.entry_id for _, entry in entries],
                runs=[entry.run_id for _, entry in entries],
                batches=[entry.batch_id for _, entry in entries],
                calls=[entry.call_id for _, entry in entries],
                kinds=[entry.kind for _, entry in entries],
                amounts=[entry.amount_cents for _, entry in entries],
                balances=[entry.balance_cents for _, entry in entries],
                held=[entry.held_cents for _, entry in entries],
                created=[entry.created_at for _, entry in entries],
            )

    async def mark_answered(self, request_ids: Collection[int]) -> None:
        if request_ids:
            await self._transaction.run(
                """
                UPDATE runs SET funds_answered = true
                WHERE request_id = ANY(CAST(:ids AS bigint[])) AND NOT funds_answered
                """,
                ids=list(request_ids),
            )

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
        await self._count_batches({row.batch_id for row in rows})

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
        await self._count_batches({row.batch_id for row in rows})

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
                                updated_at = clock_timestamp()
                FROM new WHERE runs.id = new.run_id AND runs.status IN ('queued', 'in_progress')
                RETURNING runs.*
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
        await self._count_batches({row.batch_id for row in rows})

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
        await self._count_batches({row.batch_id for row in rows})

    async def bill(self, bills: Sequence[tuple[int, int, int, datetime]]) -> None:
        rows = await self._transaction.rows(
            """
            UPDATE runs SET billed_cents = bill.cents, billable_minutes = bill.minutes, billed_at = bill.at,
                            updated_at = clock_timestamp()
            FROM unnest(CAST(:runs AS bigint[]), CAST(:cents AS bigint[]), CAST(:minutes AS integer[]),
                        CAST(:ats AS timestamptz[])) AS bill (run_id, cents, minutes, at)
            WHERE runs.id = bill.run_id AND runs.billed_at IS NULL
            RETURNING extract(epoch FROM bill.at - runs.created_at) AS seconds
            """,
            runs=[run_id for run_id, _, _, _ in bills],
            cents=[cents for _, cents, _, _ in bills],
            minutes=[minutes for _, _, minutes, _ in bills],
            ats=[at for _, _, _, at in bills],
        )
        for row in rows:
            metrics.RUN_SECONDS.observe(max(0.0, float(row.seconds)))

    async def _count_batches(self, batch_ids: Collection[int | None]) -> None:
        """Count the runs of batches anew. Under their locks, and in a statement that began after them."""
        ids = sorted(batch_id for batch_id in batch_ids if batch_id is not None)
        if not ids:
            return
        await self._transaction.run(
            "SELECT FROM batches WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE", ids=ids
        )
        await self._transaction.run(
            """
            UPDATE batches
            SET completed_runs = counted.completed, failed_runs = counted.failed, started_at = counted.started_at,
                status = CASE WHEN counted.completed + counted.failed < run_count THEN 'in_progress'
                              WHEN counted.completed > 0 THEN 'completed' ELSE 'failed' END,
                completed_at = CASE WHEN counted.completed + counted.failed = run_count THEN counted.ended_at END,
                updated_at = clock_timestamp()
            FROM (
                SELECT batch_id, count(*) FILTER (WHERE status = 'completed') AS completed,
                       count(*) FILTER (WHERE status = 'failed') AS failed,
                       min(started_at) AS started_at, max(completed_at) AS ended_at
                FROM runs WHERE batch_id = ANY(CAST(:ids AS bigint[])) GROUP BY batch_id
            ) AS counted
            WHERE batches.id = counted.batch_id
            """,
            ids=ids,
        )


def _transcript(event: TestCallCompleted | TestCallFailed) -> str:
    return json.dumps([turn.model_dump() for turn in event.transcript], ensure_ascii=False)
