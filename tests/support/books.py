"""What must be true of the books, whatever happened."""

from deploy.books.check import check
from deploy.books.report import for_people
from deploy.books.sources import SCHEMAS, open_sources
from tests.support.system import Org, System

GRACE_SECONDS = 30.0
NOTHING_GOES_ON = {
    "no reservation is pending": "SELECT count(*) FROM billing.reservations WHERE status = 'pending'",
    "no slot is taken": "SELECT coalesce(sum(in_use), 0) FROM scheduler.orgs",
    "no run waits": "SELECT count(*) FROM scheduler.runs WHERE status <> 'ended'",
    "no attempt is open": "SELECT count(*) FROM caller.attempts WHERE ended_at IS NULL",
}
CHANGES = {"deposit": 1, "adjustment": 1, "settle": -1}


async def assert_nothing_leaks(system: System, *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Compare the four services' books as an operator would, each as the role that owns it."""
    async with open_sources({schema: system.database.url(schema) for schema in SCHEMAS}) as sources:
        leaks = await check(sources, grace_seconds=grace_seconds)
    assert not leaks, for_people(leaks, seconds=grace_seconds)


async def assert_the_books_balance(system: System, org: Org) -> None:
    """When all has ended: nothing leaks, nothing goes on, and the organisation's own view agrees."""
    await assert_nothing_leaks(system)
    for what, question in NOTHING_GOES_ON.items():
        ((count,),) = await system.rows(question)
        assert count == 0, f"not so: {what}"
    funds = (await system.get(org, "/v1/billing")).json()
    entries = (await system.get(org, "/v1/billing/entries?limit=200")).json()
    assert entries["total"] <= 200
    assert funds["balance_cents"] == sum(
        CHANGES.get(entry["kind"], 0) * entry["amount_cents"] for entry in entries["results"]
    )
    assert funds["held_cents"] == 0
