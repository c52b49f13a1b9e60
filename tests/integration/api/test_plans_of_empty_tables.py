"""Plans are made once, often while tables are still empty: they must not scan what will be large."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.recordings.store import RecordingStore, in_folder
from tests.integration.api.assembly import an_api
from tests.integration.api.harness import Api
from tests.integration.api.test_plans import live
from tests.support.databases import TestDatabase
from tests.support.plans import recording

pytestmark = pytest.mark.integration

LARGE = {"runs", "calls", "batches", "ledger_entries", "idempotency_keys", "recordings"}


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return in_folder(tmp_path)


@pytest.fixture
async def api(test_database: TestDatabase, store: RecordingStore) -> AsyncIterator[Api]:
    async with an_api(test_database.url("api"), offers_sip=True, store=store) as api:
        yield api


def scanned(node: dict[str, Any]) -> set[str]:
    """The tables that a plan reads from end to end."""
    own = {node["Relation Name"]} if node["Node Type"] == "Seq Scan" else set()
    return own.union(*(scanned(child) for child in node.get("Plans", [])))


async def test_no_statement_scans_a_table_that_grows(api: Api, store: RecordingStore) -> None:
    with recording(pytest.MonkeyPatch()) as recorded:
        await live(api, store)
    wrong = []
    for (sql, _), (pool, arguments) in recorded.statements.items():
        async with pool._connected() as connection:
            await connection.execute(f"PREPARE explained AS {sql}")
            nulls = ", ".join(["NULL"] * len(arguments))
            told = await connection.fetchval(
                f"EXPLAIN (FORMAT JSON) EXECUTE explained{f'({nulls})' if arguments else ''}"
            )
            await connection.execute("DEALLOCATE explained")
        tables = scanned((json.loads(told) if isinstance(told, str) else told)[0]["Plan"]) & LARGE
        if tables:
            wrong.append(f"{tables}: {sql}")
    assert not wrong, "\n\n".join(wrong)
