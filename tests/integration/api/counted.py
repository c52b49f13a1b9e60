"""What is counted of organisations' open runs, beside what their runs add up to."""

from deploy.books.counters import OPEN_RUNS
from shared.db.database import Database
from tests.integration.api.builders import Org
from tests.integration.api.harness import Api

Counted = tuple[int, int, int]  # unanswered cents, active runs, queued runs


async def assert_counted(database: Database) -> None:
    """Compare all organisations' counts with their runs, as `make books` does."""
    async with database.reading() as transaction:
        wrong = await transaction.rows(OPEN_RUNS)
    assert not wrong, [tuple(row) for row in wrong]


async def counted(api: Api, org: Org) -> Counted:
    """Return what is counted of an organisation."""
    async with api.database.reading() as transaction:
        row = await transaction.row(
            "SELECT unanswered_cents, active_runs, queued_runs FROM open_runs WHERE org_id = :org_id", org_id=org.org_id
        )
    return tuple(row) if row is not None else (0, 0, 0)
