"""What must be true of billing's own tables at any moment: `books check`, of one schema."""

from deploy.books.check import check
from deploy.books.sources import open_sources
from shared.db.database import Database


async def assert_the_ledger_is_sound(database: Database) -> None:
    """Follow every entry and every hold. What waits in the outbox is the test's to read."""
    async with open_sources({"billing": database.url}) as sources:
        leaks = await check(sources, grace_seconds=0)
    assert [leak for leak in leaks if leak.kind != "outbox_stuck"] == []
