"""Billing's own rules on a real database; what it hears is handed to it as polls."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.billing.wiring import LISTENER
from shared.db.database import Database
from shared.events.payments import FundsAdjusted, FundsDeposited
from tests.support.databases import TestDatabase
from tests.support.ear import Ear, an_ear

MakeEar = Callable[[int], Awaitable[Ear]]


@pytest.fixture
async def database(test_database: TestDatabase) -> AsyncIterator[Database]:
    """Billing's schema."""
    database = Database(test_database.url("billing"), schema="billing")
    yield database
    await database.dispose()


@pytest.fixture
def make_ear(database: Database) -> MakeEar:
    """Make instances of billing, each with partitions of its own."""

    async def make(partition: int) -> Ear:
        return await an_ear("billing", database, LISTENER, partition=partition)

    return make


@pytest.fixture
async def billing(make_ear: MakeEar) -> Ear:
    """One instance of billing."""
    return await make_ear(0)


def deposited(amount_cents: int, *, org_id: int = 1, deposit_id: str = "first") -> FundsDeposited:
    """A deposit."""
    return FundsDeposited(org_id=org_id, deposit_id=deposit_id, amount_cents=amount_cents)


def adjusted(
    amount_cents: int, *, org_id: int = 1, adjustment_id: str = "first", reason: str = "charged back"
) -> FundsAdjusted:
    """An adjustment."""
    return FundsAdjusted(org_id=org_id, adjustment_id=adjustment_id, amount_cents=amount_cents, reason=reason)
