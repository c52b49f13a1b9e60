"""A toy service of each test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.infra.resolve import Infra
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy, a_toy, make_tables


@pytest.fixture
async def toy(test_database: TestDatabase, infra: Infra, topic_prefix: str) -> AsyncIterator[Toy]:
    toy = a_toy(test_database.url("api"), infra.kafka_bootstrap, topic_prefix)
    await make_tables(toy.database)
    yield toy
    await toy.database.dispose()
