"""Reads have connections, turns and a time-out of their own: who reads too much waits, and nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from services.api.edges.db import reads
from tests.integration.api.assembly import an_api
from tests.integration.api.builders import an_org, new_org
from tests.integration.api.harness import CALLS, Api
from tests.integration.api.problems import assert_problem
from tests.support.databases import TestDatabase
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ENTRIES = "/v1/billing/entries"
LISTS_AT_ONCE = 40
STUCK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ledger_entries%'
"""


@pytest.fixture
async def api(test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """An API of this test's own, whose reads are patient."""
    monkeypatch.setattr(reads, "STATEMENT_TIMEOUT_MS", 60_000)
    async with an_api(test_database.url("api")) as api:
        yield api


@asynccontextmanager
async def ledger_locked(test_database: TestDatabase) -> AsyncIterator[None]:
    """Whoever reads ledger entries waits in this block."""
    connection = await asyncpg.connect(test_database.admin_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE api.ledger_entries IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_forty_lists_that_hang_delay_no_other_organisations_key_read_or_request(
    api: Api, test_database: TestDatabase
) -> None:
    large, small = await api.org(), await api.org()
    async with ledger_locked(test_database):
        lists = [asyncio.create_task(api.get(large, ENTRIES)) for _ in range(LISTS_AT_ONCE)]

        async def stuck() -> bool:
            return int(await api.value(STUCK)) == reads.CONNECTIONS_OF_ORG

        await eventually(stuck, what="as many reads at work as one organisation may have")
        async with asyncio.timeout(10):
            for _ in range(3):
                api.clock.now += 5  # so that the key is looked up each time
                assert (await api.get(small, CALLS)).status_code == 200
                assert (await api.call(small)).status_code == 201
            assert (await api.call(large)).status_code == 201
            newcomer = new_org()
            await api.ear.hear(an_org(newcomer)[1])
            assert (await api.get(newcomer, CALLS)).status_code == 200, "the consumer goes on as well"
    assert {(await one).status_code for one in lists} == {200}


async def test_a_read_that_takes_too_long_says_so_and_when_to_come_again(
    test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "STATEMENT_TIMEOUT_MS", 100)
    async with an_api(test_database.url("api")) as api:
        org = await api.org()
        async with ledger_locked(test_database):
            answer = await api.get(org, ENTRIES)
        assert_problem(answer, 503, "unavailable")
        assert "too long" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) > 0
        assert (await api.get(org, ENTRIES)).status_code == 200
