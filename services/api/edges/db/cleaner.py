"""Deletes idempotency keys that are over."""

import asyncio

from services.api.edges.db.desk import KEY_LIFETIME_HOURS
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 600
MAX_ROWS = 5_000
MAX_ROUNDS = 1_000


async def clean_for_ever(database: Database) -> None:
    """Delete keys after their lifetime, a bounded number at a time."""
    while True:
        await asyncio.sleep(CLEAN_EVERY_SECONDS)
        for _ in range(MAX_ROUNDS):
            if await clean_once(database) < MAX_ROWS:
                break


async def clean_once(database: Database) -> int:
    """Delete at most `MAX_ROWS` keys; return how many went."""
    async with database.transaction() as transaction:
        return await transaction.run(
            """
            DELETE FROM idempotency_keys WHERE (org_id, key) IN (
                SELECT org_id, key FROM idempotency_keys
                WHERE created_at < now() - make_interval(hours => :hours) LIMIT :rows
            )
            """,
            hours=KEY_LIFETIME_HOURS,
            rows=MAX_ROWS,
        )
