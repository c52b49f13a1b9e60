"""Deletes what no event can ask for any more."""

from services.billing.edges.kept import CLEANED
from shared.db.cleaning import delete_over
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 3_600


async def clean_once(database: Database) -> int:
    """Delete at most `MAX_ROWS` rows of each table; return the most that went from one."""
    async with database.transaction() as transaction:
        return max([await delete_over(transaction, kept) for kept in CLEANED])
