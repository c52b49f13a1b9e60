"""Deletes what no event can ask for any more."""

import asyncio

from services.scheduler.domain.limits import ENDED_RUNS_KEPT_DAYS
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 3_600
MAX_ROWS = 5_000
MAX_ROUNDS = 1_000


async def clean_for_ever(database: Database) -> None:
    """Delete ended runs, stubs and tombstones after `ENDED_RUNS_KEPT_DAYS`, a bounded number at a time."""
    while True:
        await asyncio.sleep(CLEAN_EVERY_SECONDS)
        for _ in range(MAX_ROUNDS):
            if await clean_once(database) < MAX_ROWS:
                break


async def clean_once(database: Database) -> int:
    """Delete at most `MAX_ROWS` ended runs and what is as old as they are; return how many runs went."""
    async with database.transaction() as transaction:
        for table in ("funds_stubs", "ended_early"):
            await transaction.run(
                f"DELETE FROM {table} WHERE noted_at < now() - make_interval(days => :days)",  # noqa: S608 - two names
                days=ENDED_RUNS_KEPT_DAYS,
            )
        return await transaction.run(
            """
            DELETE FROM runs WHERE run_id IN (
                SELECT run_id FROM runs
                WHERE status = 'ended' AND ended_at < now() - make_interval(days => :days) LIMIT :rows
            )
            """,
            days=ENDED_RUNS_KEPT_DAYS,
            rows=MAX_ROWS,
        )
