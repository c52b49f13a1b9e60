"""Queries behind the GET endpoints. Every one is bound to an organisation."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.api.domain.pages import Page, Place
from services.api.edges.db import lists
from services.api.edges.db.floors import Floors
from services.api.edges.db.paging import Asked, Listing, read_page
from services.api.ports import Filters, Shown
from shared.db.transaction import Row, Transaction

Link = Callable[[str], str]


class SqlReading:
    """One organisation's view, on one connection."""

    def __init__(self, transaction: Transaction, org_id: int, floors: Floors, link: Link) -> None:
        self._transaction = transaction
        self._link = link
        self._org_id = org_id
        self._floors = floors

    async def runs(self, filters: Filters, place: Place) -> Page:
        return self._linked(await self._page(lists.RUNS, lists.runs(filters), place))

    async def batches(self, filters: Filters, place: Place) -> Page:
        return await self._page(lists.BATCHES, lists.batches(filters), place)

    async def calls(self, filters: Filters, place: Place) -> Page:
        return self._linked(await self._page(lists.CALLS, lists.calls(filters), place))

    async def entries(self, filters: Filters, place: Place) -> Page:
        return await self._page(lists.ENTRIES, lists.entries(filters), place)

    async def _page(self, listing: Listing, asked: Asked, place: Place) -> Page:
        return await read_page(self._transaction, listing, asked, place, self._org_id, self._floors)

    def _linked(self, page: Page) -> Page:
        """Put links where the names of recordings stand."""
        return replace(page, rows=[self._with_link(row) for row in page.rows])

    def _with_link(self, row: Shown) -> Shown:
        name = row["recording_url"]
        return row if name is None else {**row, "recording_url": self._link(name)}

    async def run(self, run_id: int) -> Shown | None:
        row = await self._transaction.row(
            f"""
            SELECT {lists.RUN_SHOWN} FROM runs {lists.OF_RUN}
            WHERE runs.org_id = :org_id AND runs.id = :run_id
            """,  # noqa: S608 - constants
            org_id=self._org_id,
            run_id=run_id,
        )
        return self._with_link(row) if row is not None else None

    async def batch(self, batch_id: int) -> Row | None:
        return await self._transaction.row(
            f"""
            SELECT {lists.BATCH_SELECT}, {lists.RUN_IDS}
            FROM batches WHERE batches.org_id = :org_id AND batches.id = :batch_id
            """,  # noqa: S608
            org_id=self._org_id,
            batch_id=batch_id,
        )

    async def failed_runs(self, batch_id: int) -> Sequence[Shown]:
        rows: Sequence[Shown] = await self._transaction.rows(
            """
            SELECT scenario_prompt, CAST(metadata AS text) AS metadata FROM runs
            WHERE org_id = :org_id AND batch_id = :batch_id AND status = 'failed' ORDER BY id
            """,
            org_id=self._org_id,
            batch_id=batch_id,
        )
        return rows

    async def call(self, call_id: int) -> Shown | None:
        row = await self._transaction.row(
            f"""
            SELECT {lists.CALL_SELECT} FROM calls {lists.OF_CALL}
            WHERE calls.org_id = :org_id AND calls.call_id = :call_id
            """,  # noqa: S608
            org_id=self._org_id,
            call_id=call_id,
        )
        return self._with_link(row) if row is not None else None

    async def figures(self, call_id: int) -> str | None:
        figures: str | None = await self._transaction.value(
            "SELECT CAST(figures AS text) FROM calls WHERE org_id = :org_id AND call_id = :call_id",
            org_id=self._org_id,
            call_id=call_id,
        )
        return figures

    async def recording(self, call_id: int) -> tuple[str, str | None] | None:
        row = await self._transaction.row(
            """
            SELECT name, peaks_name FROM recordings
            WHERE org_id = :org_id AND call_id = :call_id AND is_stored AND doomed_at IS NULL
            """,
            org_id=self._org_id,
            call_id=call_id,
        )
        return (row.name, row.peaks_name) if row is not None else None

    async def transcript(self, call_id: int) -> Row | None:
        return await self._transaction.row(
            """
            SELECT call_id, CAST(transcript AS text) AS transcripts
            FROM calls WHERE org_id = :org_id AND call_id = :call_id
            """,
            org_id=self._org_id,
            call_id=call_id,
        )

    async def funds(self) -> Row:
        row: Row | None = await self._transaction.row(
            """
            SELECT COALESCE(balance_cents, 0) AS balance_cents, COALESCE(held_cents, 0) AS held_cents,
                   COALESCE(balance_cents - held_cents, 0) - COALESCE(unanswered_cents, 0) AS available_cents,
                   clock_timestamp() AS as_of
            FROM (SELECT CAST(:org_id AS bigint) AS org_id) AS asked
            LEFT JOIN funds USING (org_id) LEFT JOIN open_runs USING (org_id)
            """,
            org_id=self._org_id,
        )
        if row is None:
            raise RuntimeError("a query without a table has a row")
        return row
