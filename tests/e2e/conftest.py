"""The running system, for each test its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.infra.resolve import Infra
from tests.support.books import assert_nothing_leaks
from tests.support.databases import TestDatabase
from tests.support.system import SERVICES, System, a_system


@pytest.fixture
async def idle_system(
    test_database: TestDatabase, infra: Infra, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[System]:
    """A system of which nothing runs yet. If all four services run at the end of a test, nothing may leak."""
    async with a_system(test_database, infra.kafka_bootstrap, topic_prefix, tmp_path, CALL_SPEED="200") as system:
        yield system
        if set(system.running()) >= set(SERVICES):
            await assert_nothing_leaks(system)


@pytest.fixture
async def system(idle_system: System) -> System:
    """All four services, ready."""
    for service in SERVICES:
        idle_system.start(service)
    await idle_system.ready()
    return idle_system
