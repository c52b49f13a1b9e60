"""Statements about many attempts lock them in one order, so that those that meet do not wait in a circle."""

import asyncio
import random
from contextlib import suppress
from uuid import UUID

import pytest

from services.caller.edges.db.attempts import SqlAttempts
from shared.db.database import Database
from tests.integration.caller.instance import Caller, dispatched
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.integration

RUNS = range(1, 301)
ROUNDS = 10
# Two plans that PostgreSQL may choose between: by the rows' places in the table, or by the order they are asked for in.
BY_PLACE = "SET LOCAL enable_nestloop = off"
AS_ASKED = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"


class TakenBack(Exception):  # noqa: N818
    """The transaction is rolled back, so that the next one finds the same rows."""


async def start(database: Database, plan: str, mine: list[tuple[int, UUID]]) -> None:
    """Lock all rows as every stage of a call does."""
    with suppress(TakenBack):
        async with database.transaction() as transaction:
            for setting in plan.split("; "):
                await transaction.run(setting)
            started = await SqlAttempts(transaction).start(mine, [0.0] * len(mine))
            assert len(started) == len(mine)
            raise TakenBack


async def test_statements_with_different_plans_do_not_deadlock(caller: Caller, test_database: TestDatabase) -> None:
    await caller.hear_without_room(*(dispatched(run_id) for run_id in RUNS))
    claimed = await caller.claims_and_vanishes()
    async with caller.database.transaction() as transaction:
        # The rows lie in another order than their ids from now on, as they do after some updates.
        for one in random.Random(1).sample(claimed, k=len(claimed)):
            await transaction.run("UPDATE attempts SET heard_at = heard_at WHERE run_id = :run", run=one.run_id)
    mine = [one.key for one in claimed]
    first, second = (Database(test_database.url("caller"), schema="caller", pool_connections=2) for _ in range(2))
    for _ in range(ROUNDS):
        await asyncio.gather(start(first, BY_PLACE, mine), start(second, AS_ASKED, mine))
    await first.dispose()
    await second.dispose()
