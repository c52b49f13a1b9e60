"""Deletes attempts that no dispatch can ask for any more."""

from services.caller.edges.kept import ATTEMPTS
from shared.db.cleaning import delete_over
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 3_600


async def clean_once(database: Database) -> int:
    """Delete at most `MAX_ROWS` attempts; return how many went."""
    async with database.transaction() as transaction:
        return await delete_over(transaction, ATTEMPTS)
