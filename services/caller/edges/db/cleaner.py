"""Deletes attempts that no dispatch can ask for any more."""

import asyncio

from services.caller.domain.limits import ENDED_ATTEMPTS_KEPT_DAYS
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 3_600
MAX_ROWS = 5_000
MAX_ROUNDS = 1_000


async def clean_for_ever(database: Database) -> None:
    """Delete ended attempts after `ENDED_ATTEMPTS_KEPT_DAYS`, a bounded number at a time."""
    while True:
        await asyncio.sleep(CLEAN_EVERY_SECONDS)
        for _ in range(MAX_ROUNDS):
            if await clean_once(database) < MAX_ROWS:
                break


async def clean_once(database: Database) -> int:
    """Delete at most `MAX_ROWS` attempts; return how many went."""
    async with database.transaction() as transaction:
        return await transaction.run(
            """
            DELETE FROM attempts WHERE run_id IN (
                SELECT run_id FROM attempts WHERE ended_at < now() - make_interval(days => :days) LIMIT :rows
            )
            """,
            days=ENDED_ATTEMPTS_KEPT_DAYS,
            rows=MAX_ROWS,
        )
