"""Each service has its own role and its own schema, and sees nothing of the others'."""

from itertools import permutations

import asyncpg
import pytest

from deploy.provision.database import SERVICES
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.integration

A_TABLE = {"api": "runs", "scheduler": "orgs", "caller": "attempts", "billing": "ledger"}


@pytest.mark.parametrize(("mine", "theirs"), list(permutations(SERVICES, 2)))
async def test_a_service_cannot_read_anothers_tables(test_database: TestDatabase, mine: str, theirs: str) -> None:
    connection = await asyncpg.connect(test_database.url(mine))
    try:
        assert await connection.fetchval(f"SELECT count(*) FROM {mine}.{A_TABLE[mine]}") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval(f"SELECT count(*) FROM {theirs}.{A_TABLE[theirs]}")
    finally:
        await connection.close()


async def test_a_service_cannot_make_schemas_or_use_the_public_one(test_database: TestDatabase) -> None:
    connection = await asyncpg.connect(test_database.url("api"))
    try:
        for statement in ("CREATE SCHEMA mine", "CREATE TABLE public.mine ()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
