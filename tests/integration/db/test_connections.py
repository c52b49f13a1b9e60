"""Connections are lent to one at a time; one that ends takes nobody's place, and does not hide what went wrong."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.db import database as module
from shared.db.database import Database, NoConnection
from shared.db.failures import is_too_much, is_transient
from tests.support.databases import TestDatabase
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

PID = "SELECT pg_backend_pid()"


@pytest.fixture
async def database(test_database: TestDatabase) -> AsyncIterator[Database]:
    database = Database(test_database.url("api"), schema="api", pool_connections=2)
    yield database
    await database.dispose()


async def pid(database: Database) -> int:
    async with database.reading() as transaction:
        return int(await transaction.value(PID))


async def test_the_connection_that_was_used_last_is_lent_first_and_it_is_not_asked_anything(database: Database) -> None:
    async with database.reading() as first, database.reading() as second:
        pids = await first.value(PID), await second.value(PID)
        assert pids[0] != pids[1]
    assert {await pid(database) for _ in range(5)} == {pids[0]}, "it came back after the other one"


async def test_more_than_there_are_take_turns(database: Database) -> None:
    assert len(set(await asyncio.gather(*(pid(database) for _ in range(20))))) <= 2


async def test_who_finds_none_waits_for_one_and_not_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.reading(), database.reading():
        monkeypatch.setattr(module, "POOL_WAIT_SECONDS", 0.2)
        with pytest.raises(NoConnection) as waited:
            await pid(database)
        assert is_transient(waited.value)
        assert not is_too_much(waited.value), "half of the work would have waited as long"
        monkeypatch.undo()  # under load it takes longer to connect
    await pid(database)


async def test_one_that_was_closed_by_the_server_is_replaced(database: Database) -> None:
    first = await pid(database)
    async with database.reading() as one, database.reading() as other:
        assert await one.value(PID) == first
        await other.run("SELECT pg_terminate_backend(:pid)", pid=first)

    async def served() -> int:
        try:
            return await pid(database)
        except Exception as error:
            if not is_transient(error):
                raise
            return 0  # the end of a line is noticed a moment later, by whoever has it then

    assert await eventually(served) != first
    assert first not in {await pid(database) for _ in range(4)}


async def ends_in_a_transaction(database: Database, error: Exception) -> None:
    async with database.transaction() as transaction:
        transaction._connection.terminate()
        raise error


@pytest.mark.parametrize("error", [ValueError("first"), TimeoutError("first")])
async def test_a_connection_that_ends_in_a_transaction_does_not_hide_what_went_wrong_first(
    database: Database, error: Exception
) -> None:
    for _ in range(4):  # nor does it take a place with it
        with pytest.raises(type(error), match="first"):
            await ends_in_a_transaction(database, error)
    await pid(database)


async def test_what_is_cancelled_in_the_middle_of_a_statement_takes_no_place(database: Database) -> None:
    for _ in range(4):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), database.reading() as transaction:
                await transaction.run("SELECT pg_sleep(30)")
    assert len({await pid(database) for _ in range(4)}) == 1


async def test_whoever_asks_after_the_end_opens_anew_and_nobody_waits_for_who_does_not_come_back(
    database: Database,
) -> None:
    async with database.reading() as held:
        before = await held.value(PID)
        await database.dispose(patience_seconds=0.1)
        assert await pid(database) != before
