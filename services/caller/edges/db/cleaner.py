"""Deletes attempts that no dispatch can ask for any more."""

from services.caller.domain.limits import ENDED_ATTEMPTS_KEPT_DAYS
from shared.db.cleaning import MAX_ROWS
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 3_600


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
