"""The toy service on a database and topics of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest

from shared.messaging.relay import Relay
from tests.infra.resolve import Infra
from tests.integration.messaging.publishing import end, until_it_leads
from tests.support.databases import TestDatabase
from tests.support.toy_service import SCHEMA, Toy, a_toy, make_tables

RunRelay = Callable[..., AbstractAsyncContextManager[Relay]]


@pytest.fixture
async def toy(test_database: TestDatabase, infra: Infra, topic_prefix: str) -> AsyncIterator[Toy]:
    """One instance; nothing runs yet."""
    toy = a_toy(test_database.url("api"), infra.kafka_bootstrap, topic_prefix)
    await make_tables(toy.database)
    yield toy
    await toy.database.dispose()


@pytest.fixture
async def leading(toy: Toy) -> AsyncIterator[Toy]:
    """An instance that leads and has read its table."""
    task = asyncio.create_task(toy.relay.run())
    await until_it_leads(toy)
    yield toy
    await end(task)


@pytest.fixture
def a_relay(toy: Toy, test_database: TestDatabase) -> RunRelay:
    """Run a relay of the toy's alone, with settings of the test's own."""

    @asynccontextmanager
    async def run(**settings: Any) -> AsyncIterator[Relay]:
        usual = {"database_url": test_database.url("api"), "bootstrap": toy.bootstrap, "topic_prefix": toy.prefix}
        relay = Relay(**{**usual, "schema": SCHEMA, "service": "toy", **settings})
        task = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return run
