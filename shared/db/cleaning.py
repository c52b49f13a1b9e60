"""Deletes what is over now and then, a bounded number of rows at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.db.database import Database
from shared.db.transaction import Transaction

MAX_ROWS = 5_000  # of one transaction
MAX_ROUNDS = 1_000
MAX_LOOKED_AT = 10 * MAX_ROWS  # what is still going on among the oldest does not stop the cleaning


@dataclass(frozen=True, slots=True)
class Kept:
    """How long a table's rows are kept, and why. Every table has one; a test compares them with the tables.

    `days`: after that they go; None: the reason says what ends them, if anything does. `key` numbers rows in the order
    in which they came, `over` is SQL that tells which of them may go after `:days`.
    """

    table: str
    why: str
    days: int | None = None
    key: str = ""
    over: str = ""


async def delete_over(transaction: Transaction, kept: Kept) -> int:
    """Delete at most `MAX_ROWS` rows that are over, among the oldest `MAX_LOOKED_AT`; return how many went.

    Goes by the primary key, which the oldest lead: no table needs an index by age for this alone.
    """
    return await transaction.run(
        f"""
        DELETE FROM {kept.table} WHERE ctid = ANY(ARRAY(
            SELECT place FROM (
                SELECT oldest.ctid AS place, oldest.* FROM {kept.table} AS oldest ORDER BY {kept.key} LIMIT :looked_at
            ) AS {kept.table} WHERE {kept.over} LIMIT :rows
        ))
        """,  # noqa: S608 - names and conditions of the register
        days=kept.days,
        looked_at=MAX_LOOKED_AT,
        rows=MAX_ROWS,
    )


async def clean_for_ever(
    database: Database, clean_once: Callable[[Database], Awaitable[int]], *, every_seconds: float
) -> None:
    """Call `clean_once` every so often, and again at once while it deletes `MAX_ROWS` rows."""
    while True:
        await asyncio.sleep(every_seconds)
        for _ in range(MAX_ROUNDS):
            if await clean_once(database) < MAX_ROWS:
                break
