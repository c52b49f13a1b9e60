"""Deletes what is over now and then, a bounded number of rows at a time."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.db.database import Database

MAX_ROWS = 5_000  # of one transaction
MAX_ROUNDS = 1_000


async def clean_for_ever(
    database: Database, clean_once: Callable[[Database], Awaitable[int]], *, every_seconds: float
) -> None:
    """Call `clean_once` every so often, and again at once while it deletes `MAX_ROWS` rows."""
    while True:
        await asyncio.sleep(every_seconds)
        for _ in range(MAX_ROUNDS):
            if await clean_once(database) < MAX_ROWS:
                break
