"""The caller's own rules on a real database; polls, clock and line are the test's."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
import pytest

from shared.db.database import Database
from tests.integration.caller.faults import UnreliableDatabase
from tests.integration.caller.instance import Caller, Callers
from tests.integration.caller.line import Line
from tests.support.databases import TestDatabase

WHEN: tuple[Literal["setup", "call"], ...] = ("setup", "call")


@pytest.fixture
async def database(test_database: TestDatabase) -> AsyncIterator[Database]:
    """The caller's schema."""
    database = Database(test_database.url("caller"), schema="caller")
    yield database
    await database.dispose()


@pytest.fixture
async def unreliable(test_database: TestDatabase) -> AsyncIterator[UnreliableDatabase]:
    """The caller's schema, over a line that a test can cut."""
    database = UnreliableDatabase(test_database.url("caller"), schema="caller")
    yield database
    await database.dispose()


@pytest.fixture
async def line() -> Line:
    """What all instances of a test call through."""
    return Line()


@pytest.fixture
async def callers(database: Database, line: Line) -> AsyncIterator[Callers]:
    """Instances of the caller."""
    callers = Callers(database, line)
    yield callers
    await callers.stop()


@pytest.fixture
async def caller(callers: Callers) -> Caller:
    """One instance."""
    return await callers.another()


@asynccontextmanager
async def _connected(test_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(test_database.admin_url, server_settings={"search_path": "caller"})
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def onlooker(test_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody else's, who sees what is committed and may lock it."""
    async with _connected(test_database) as connection:
        yield connection


@pytest.fixture
async def operator(test_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may end others."""
    async with _connected(test_database) as connection:
        yield connection


@pytest.fixture(autouse=True)
def no_call_fails_on_our_side(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An exception that nobody planned is logged by the worker: a test that does not expect one fails with it."""
    yield
    if "our_side_fails" not in request.fixturenames:
        unplanned = [
            record
            for when in WHEN
            for record in caplog.get_records(when)
            if record.levelno >= logging.ERROR and record.name.startswith("services.caller")
        ]
        assert unplanned == [], [record.exc_text or record.getMessage() for record in unplanned]


@pytest.fixture
def our_side_fails() -> None:
    """Say that the test provokes a failure on our side."""
