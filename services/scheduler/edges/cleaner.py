"""Deletes what no event can ask for any more."""

from services.scheduler.domain.limits import ENDED_RUNS_KEPT_DAYS, GONE_WORKERS_KEPT_DAYS, LEFT_REQUESTS_KEPT_HOURS
from shared.db.cleaning import MAX_ROWS
from shared.db.database import Database

CLEAN_EVERY_SECONDS = 3_600


async def clean_once(database: Database) -> int:
    """Delete at most `MAX_ROWS` ended runs and what is as old as they are; return how many runs went."""
    async with database.transaction() as transaction:
        for table in ("funds_stubs", "ended_early"):
            await transaction.run(
                f"""
                DELETE FROM {table} WHERE ctid IN (
                    SELECT ctid FROM {table} WHERE noted_at < now() - make_interval(days => :days) LIMIT :rows
                )
                """,  # noqa: S608 - two names
                days=ENDED_RUNS_KEPT_DAYS,
                rows=MAX_ROWS,
            )
        await transaction.run(
            "DELETE FROM workers WHERE heard_at < now() - make_interval(days => :days)",
            days=GONE_WORKERS_KEPT_DAYS,
        )
        # Who ends a request's last run forgets it; two that end the last two at once may each see the other's.
        await transaction.run(
            """
            DELETE FROM requests WHERE request_id IN (
                SELECT request_id FROM requests
                WHERE noted_at < now() - make_interval(hours => :hours)
                  AND NOT EXISTS (SELECT FROM runs WHERE runs.request_id = requests.request_id AND status <> 'ended')
                LIMIT :rows
            )
            """,
            hours=LEFT_REQUESTS_KEPT_HOURS,
            rows=MAX_ROWS,
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
