"""Queries behind the GET endpoints. Every one is bound to an organisation: what is another's does not exist."""

import json
from collections.abc import Sequence
from typing import Any

from services.api.domain.views import BATCH_COLUMNS, RUN_COLUMNS, BatchView, RunView
from shared.db.transaction import Row, Transaction

_RUNS = ", ".join(f"runs.{name}" if name != "metadata" else "CAST(runs.metadata AS text)" for name in RUN_COLUMNS)
_BATCHES = ", ".join(
    f"batches.{name}" if name != "scenario_prompts" else "CAST(batches.scenario_prompts AS text)"
    for name in BATCH_COLUMNS
)
_CALLS = """
    calls.call_id, calls.agent_id, calls.direction, calls.from_number, calls.to_number, calls.start_time,
    calls.end_time, calls.duration_seconds, calls.status, calls.end_reason, calls.product, calls.voice,
    runs.billable_minutes, runs.billed_cents, runs.billed_at
"""
_RUN_FILTER = """
    runs.org_id = :org_id
    AND (CAST(:target_type AS text) IS NULL OR runs.target_type = :target_type)
    AND (CAST(:status AS text) IS NULL OR runs.status = :status)
    AND (CAST(:agent_id AS bigint) IS NULL OR runs.agent_id = :agent_id)
    AND (CAST(:batch_id AS bigint) IS NULL OR runs.batch_id = :batch_id)
"""
_BATCH_FILTER = """
    batches.org_id = :org_id
    AND (CAST(:target_type AS text) IS NULL OR batches.target_type = :target_type)
    AND (CAST(:status AS text) IS NULL OR batches.status = :status)
"""
_CALL_FILTER = """
    calls.org_id = :org_id
    AND (CAST(:agent_id AS bigint) IS NULL OR calls.agent_id = :agent_id)
    AND (CAST(:direction AS text) IS NULL OR calls.direction = :direction)
    AND (CAST(:status AS text) IS NULL OR calls.status = :status)
    AND (CAST(:from_number AS text) IS NULL OR calls.from_number = :from_number)
    AND (CAST(:to_number AS text) IS NULL OR calls.to_number = :to_number)
    AND (CAST(:start_date AS timestamptz) IS NULL OR calls.start_time >= :start_date)
    AND (CAST(:end_date AS timestamptz) IS NULL OR calls.start_time <= :end_date)
    AND COALESCE(CAST(:is_test_call AS boolean), true)
"""
_ENTRY_FILTER = """
    org_id = :org_id
    AND (CAST(:run_id AS bigint) IS NULL OR run_id = :run_id)
    AND (CAST(:kind AS text) IS NULL OR kind = :kind)
"""


class Reading:
    """One organisation's view, on one transaction."""

    def __init__(self, transaction: Transaction, org_id: int) -> None:
        self._transaction = transaction
        self._org_id = org_id

    async def runs(self, *, limit: int, offset: int, **filters: Any) -> tuple[list[RunView], int]:
        """Return a page of runs, newest first, and how many there are."""
        rows = await self._transaction.rows(
            f"""
            SELECT {_RUNS}, COALESCE(CAST(calls.transcript AS text), '[]')
            FROM runs LEFT JOIN calls ON calls.call_id = runs.call_id
            WHERE {_RUN_FILTER} ORDER BY runs.id DESC LIMIT :limit OFFSET :offset
            """,  # noqa: S608 - constants of this file
            org_id=self._org_id,
            limit=limit,
            offset=offset,
            **filters,
        )
        return [_run(row) for row in rows], await self._count("runs", _RUN_FILTER, filters)

    async def run(self, run_id: int) -> RunView | None:
        """Return one run."""
        row = await self._transaction.row(
            f"""
            SELECT {_RUNS}, COALESCE(CAST(calls.transcript AS text), '[]')
            FROM runs LEFT JOIN calls ON calls.call_id = runs.call_id
            WHERE runs.org_id = :org_id AND runs.id = :run_id
            """,  # noqa: S608
            org_id=self._org_id,
            run_id=run_id,
        )
        return None if row is None else _run(row)

    async def batches(self, *, limit: int, offset: int, **filters: Any) -> tuple[list[BatchView], int]:
        """Return a page of batches, newest first, and how many there are."""
        rows = await self._transaction.rows(
            f"""
            SELECT {_BATCHES}, ARRAY(SELECT id FROM runs WHERE batch_id = batches.id ORDER BY id)
            FROM batches WHERE {_BATCH_FILTER} ORDER BY batches.id DESC LIMIT :limit OFFSET :offset
            """,  # noqa: S608
            org_id=self._org_id,
            limit=limit,
            offset=offset,
            **filters,
        )
        return [_batch(row) for row in rows], await self._count("batches", _BATCH_FILTER, filters)

    async def batch(self, batch_id: int) -> BatchView | None:
        """Return one batch."""
        row = await self._transaction.row(
            f"""
            SELECT {_BATCHES}, ARRAY(SELECT id FROM runs WHERE batch_id = batches.id ORDER BY id)
            FROM batches WHERE batches.org_id = :org_id AND batches.id = :batch_id
            """,  # noqa: S608
            org_id=self._org_id,
            batch_id=batch_id,
        )
        return None if row is None else _batch(row)

    async def calls(self, *, limit: int, offset: int, **filters: Any) -> tuple[Sequence[Row], int]:
        """Return a page of calls, newest first, and how many there are."""
        rows = await self._transaction.rows(
            f"""
            SELECT {_CALLS} FROM calls JOIN runs ON runs.id = calls.run_id
            WHERE {_CALL_FILTER} ORDER BY calls.call_id DESC LIMIT :limit OFFSET :offset
            """,  # noqa: S608
            org_id=self._org_id,
            limit=limit,
            offset=offset,
            **filters,
        )
        return rows, await self._count("calls", _CALL_FILTER, filters)

    async def call(self, call_id: int) -> Row | None:
        """Return one call."""
        return await self._transaction.row(
            f"""
            SELECT {_CALLS} FROM calls JOIN runs ON runs.id = calls.run_id
            WHERE calls.org_id = :org_id AND calls.call_id = :call_id
            """,  # noqa: S608
            org_id=self._org_id,
            call_id=call_id,
        )

    async def transcript(self, call_id: int) -> list[dict[str, Any]] | None:
        """Return a call's transcript."""
        written = await self._transaction.value(
            "SELECT CAST(transcript AS text) FROM calls WHERE org_id = :org_id AND call_id = :call_id",
            org_id=self._org_id,
            call_id=call_id,
        )
        return None if written is None else _turns(written)

    async def funds(self) -> Row:
        """Return balance, held funds, estimates that billing has not answered yet, and the time."""
        row: Row | None = await self._transaction.row(
            """
            SELECT COALESCE(balance_cents, 0) AS balance_cents, COALESCE(held_cents, 0) AS held_cents,
                   (SELECT CAST(COALESCE(sum(estimated_cost_cents), 0) AS bigint) FROM runs
                    WHERE runs.org_id = asked.org_id AND NOT funds_answered) AS unanswered_cents,
                   clock_timestamp() AS at
            FROM (SELECT CAST(:org_id AS bigint) AS org_id) AS asked LEFT JOIN funds USING (org_id)
            """,
            org_id=self._org_id,
        )
        if row is None:
            raise RuntimeError("a query without a table has a row")
        return row

    async def entries(self, *, limit: int, offset: int, **filters: Any) -> tuple[Sequence[Row], int]:
        """Return a page of ledger entries, newest first, and how many there are."""
        rows = await self._transaction.rows(
            f"""
            SELECT entry_id, run_id, batch_id, call_id, kind, amount_cents, balance_cents, held_cents, created_at
            FROM ledger_entries WHERE {_ENTRY_FILTER} ORDER BY entry_id DESC LIMIT :limit OFFSET :offset
            """,  # noqa: S608
            org_id=self._org_id,
            limit=limit,
            offset=offset,
            **filters,
        )
        return rows, await self._count("ledger_entries", _ENTRY_FILTER, filters)

    async def _count(self, table: str, condition: str, filters: dict[str, Any]) -> int:
        question = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608 - constants of this file
        return int(await self._transaction.value(question, org_id=self._org_id, **filters))


def _run(row: Row) -> RunView:
    *columns, transcript = row
    values = dict(zip(RUN_COLUMNS, columns, strict=True))
    values["metadata"] = json.loads(values["metadata"])
    return RunView(**values, transcript=_turns(transcript))


def _turns(written: str) -> list[dict[str, Any]]:
    """Put the keys into the contract's order; jsonb keeps its own."""
    keys = ("role", "content_type", "content", "start_ms", "end_ms")
    return [{key: turn[key] for key in keys} for turn in json.loads(written)]


def _batch(row: Row) -> BatchView:
    *columns, run_ids = row
    values = dict(zip(BATCH_COLUMNS, columns, strict=True))
    values["scenario_prompts"] = json.loads(values["scenario_prompts"])
    return BatchView(**values, run_ids=list(run_ids))
