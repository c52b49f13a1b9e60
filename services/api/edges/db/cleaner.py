"""Deletes idempotency keys that are over."""

from services.api.edges.db.desk import KEY_LIFETIME_HOURS
from shared.db.cleaning import MAX_ROWS
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 600


async def clean_once(database: Database) -> int:
    """Delete at most `MAX_ROWS` keys; return how many went."""
    async with database.transaction() as transaction:
        return await transaction.run(
            """
            DELETE FROM idempotency_keys WHERE (org_id, key) IN (
                SELECT org_id, key FROM idempotency_keys
                WHERE created_at < now() - make_interval(hours => :hours)
                LIMIT :rows FOR UPDATE SKIP LOCKED  -- a key that is used again meanwhile is waited for by nobody
            )
            """,
            hours=KEY_LIFETIME_HOURS,
            rows=MAX_ROWS,
        )
