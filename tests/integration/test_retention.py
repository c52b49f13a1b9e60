"""Every table has a named retention, or a reason for none; each outlives what could ask for its rows again."""

import re
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

from shared.db.cleaning import Kept
from shared.events.topics import OLDEST_DEAD_LETTER_DAYS, OLDEST_RECORD_DAYS
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.integration

SERVICES = ("api", "billing", "caller", "scheduler")
ARCHITECTURE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
BY_THE_CONTRACT = {"idempotency_keys"}  # kept for as long as the contract says, whatever topics do


def kept_by(service: str) -> tuple[Kept, ...]:
    kept: tuple[Kept, ...] = import_module(f"services.{service}.edges.kept").KEPT
    return kept


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_that_exists_has_a_retention(test_database: TestDatabase, service: str) -> None:
    connection = await asyncpg.connect(test_database.url(service))
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'schema_version'", service
        )
    finally:
        await connection.close()
    named = [kept.table for kept in kept_by(service)]
    assert sorted(named) == sorted(row["tablename"] for row in rows)


@pytest.mark.parametrize("service", SERVICES)
def test_a_retention_outlives_the_records_that_could_ask_for_the_rows(service: str) -> None:
    for kept in kept_by(service):
        assert kept.why
        if kept.days is not None and kept.table not in BY_THE_CONTRACT:
            assert kept.days > (OLDEST_DEAD_LETTER_DAYS if service == "billing" else OLDEST_RECORD_DAYS), kept.table


@pytest.mark.parametrize("service", SERVICES)
def test_the_documents_say_how_long(service: str) -> None:
    rows = re.findall(rf"^\| {service} \| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", ARCHITECTURE, re.MULTILINE)
    told = {table: (days, why) for table, days, why in rows}
    for kept in kept_by(service):
        assert told.pop(kept.table) == (f"{kept.days} days" if kept.days else "–", kept.why), kept.table
    assert told == {}, "no table has these names"
