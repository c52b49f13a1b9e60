"""`books check` is silent on sound books and names each kind of leak that is planted into them, with its age."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from deploy.books import ledger, walking
from deploy.books.check import check
from deploy.books.kinds import KINDS, Finding
from deploy.books.serve import Watch
from deploy.books.sources import SCHEMAS, CouldNotLook, open_sources
from tests.support.databases import Template, TestDatabase
from tests.support.planted_leaks import MORE, PLANTED
from tests.support.sound_books import write_sound_books
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
AGE = timedelta(minutes=40)

# Nothing in these tables tells since when.
WITHOUT_AGE = {"account_otherwise", "slots_otherwise", "funds_otherwise", "open_runs_otherwise"}
TABLES = {
    "api": "funds, ledger_entries, calls, runs, batches, open_runs",
    "billing": "accounts, ledger, reservations",
    "scheduler": "orgs, runs, outbox",
    "caller": "attempts, outbox_aside",
}


@pytest.fixture(scope="module")
async def books_database(template: Template) -> AsyncIterator[TestDatabase]:
    """One database for all leaks: each test writes sound books first."""
    async with template.copy() as copy:
        admin = await asyncpg.connect(copy.admin_url)
        for event in ("insert", "update", "delete"):  # what a leak changes goes on being counted: one leak is one kind
            await admin.execute(f"ALTER TABLE api.runs ENABLE ALWAYS TRIGGER runs_are_counted_on_{event}")
        await admin.execute("ALTER TABLE api.open_runs_changed ENABLE ALWAYS TRIGGER open_runs_are_counted")
        await admin.close()
        yield copy


@pytest.fixture
async def admin(books_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Sound books, and a connection that may do anything to them."""
    connection = await asyncpg.connect(books_database.admin_url)
    await connection.execute("SET session_replication_role = replica")  # no trigger and no foreign key stops a leak
    await write_anew(connection, AGE)
    yield connection
    await connection.close()


async def write_anew(admin: asyncpg.Connection, age: timedelta) -> None:
    for schema, tables in TABLES.items():
        await admin.execute(f"SET search_path = {schema}; TRUNCATE {tables} CASCADE")
    await write_sound_books(admin, age=age)


def urls(database: TestDatabase) -> dict[str, str]:
    return {schema: database.url(schema) for schema in SCHEMAS}


async def leaks_in(database: TestDatabase, *, grace_seconds: float = 0.0, recent: bool = False) -> list[Finding]:
    async with open_sources(urls(database)) as sources:
        return await check(sources, grace_seconds=grace_seconds, recent=recent)


def kinds(found: list[Finding]) -> set[str]:
    return {one.kind for one in found}


@pytest.mark.parametrize("recent", [False, True])
async def test_sound_books_are_clean(admin: asyncpg.Connection, books_database: TestDatabase, recent: bool) -> None:
    assert await leaks_in(books_database, recent=recent) == []


@pytest.mark.parametrize(("kind", "leak"), [*PLANTED.items(), *MORE])
async def test_a_leak_is_named_with_its_age(
    admin: asyncpg.Connection, books_database: TestDatabase, kind: str, leak: str
) -> None:
    await admin.execute(leak)
    found = await leaks_in(books_database, grace_seconds=0.1)
    assert kind in kinds(found), found
    assert len(kinds(found)) <= 3, "what is sound is not named"
    oldest = max(one.age_seconds for one in found if one.kind == kind)
    assert oldest >= (0.1 if kind in WITHOUT_AGE else AGE.total_seconds())


async def test_a_run_whose_request_waits_for_an_answer_is_not_one_without_a_hold(
    admin: asyncpg.Connection, books_database: TestDatabase
) -> None:
    """One run of a request carries what all of them wait for."""
    for run_id, answered in ((7, "false"), (8, "true")):
        await admin.execute(f"""
            INSERT INTO api.runs SELECT (jsonb_populate_record(r, '{{"id": {run_id}, "request_id": 7,
                                         "funds_answered": {answered}}}')).* FROM api.runs r WHERE id = 3
        """)
    assert kinds(await leaks_in(books_database)) == {"unknown_to_billing"}


async def test_a_run_that_no_worker_had_room_for_waits_again_and_is_no_leak(
    admin: asyncpg.Connection, books_database: TestDatabase
) -> None:
    await admin.execute(
        """
        INSERT INTO caller.attempts (run_id, org_id, call_id, status, start_before, ended_at, dispatch_no)
        VALUES (3, 5, 103, 'returned', now() - interval '40 min', now() - interval '40 min', 1)
        """
    )
    assert await leaks_in(books_database) == []
    await admin.execute(PLANTED["slot_without_attempt"])
    assert kinds(await leaks_in(books_database)) == {"slot_without_attempt"}, "it was dispatched again, and not heard"


def test_every_kind_of_leak_is_planted() -> None:
    assert set(PLANTED) == set(KINDS)


@pytest.mark.parametrize("page_rows", [1, 2, 3])
async def test_nothing_is_lost_or_made_up_between_pages(
    admin: asyncpg.Connection, books_database: TestDatabase, monkeypatch: pytest.MonkeyPatch, page_rows: int
) -> None:
    monkeypatch.setattr(walking, "PAGE_ROWS", page_rows)
    monkeypatch.setattr(ledger, "PAGE_ROWS", page_rows)
    await admin.execute("INSERT INTO billing.accounts (org_id) VALUES (1), (9)")
    await admin.execute("INSERT INTO api.funds (org_id, balance_cents, held_cents, version) VALUES (1, 0, 0, 0)")
    assert await leaks_in(books_database) == []
    for run_id in range(1, 5):
        await admin.execute("UPDATE caller.attempts SET org_id = 6 WHERE run_id = $1", run_id)
    await admin.execute(PLANTED["account_otherwise"])
    found = await leaks_in(books_database, grace_seconds=0.1)
    assert [one.subject for one in found if one.kind == "other_organisation"] == ["run 1", "run 2", "run 4"]
    assert {one.subject for one in found if one.kind == "account_otherwise"} == {"org 5"}


async def test_what_is_only_in_flight_is_no_leak(admin: asyncpg.Connection, books_database: TestDatabase) -> None:
    await admin.execute(PLANTED["billed_otherwise"])
    await admin.execute(PLANTED["account_otherwise"])
    looking = asyncio.create_task(leaks_in(books_database, grace_seconds=60))

    async def has_looked() -> bool:
        rows = await admin.fetch(
            "SELECT FROM pg_stat_activity WHERE application_name LIKE 'rehearsal-books%' AND query LIKE '%outbox%'"
            " AND state = 'idle' AND usename LIKE '%billing%'"
        )
        return bool(rows)

    await eventually(has_looked, what="the first look is over")
    await write_anew(admin, AGE)
    assert await asyncio.wait_for(looking, 30) == []


async def test_funds_that_are_behind_and_move_on_are_no_leak(
    admin: asyncpg.Connection, books_database: TestDatabase
) -> None:
    await admin.execute("UPDATE billing.accounts SET version = 1000")
    looking = asyncio.create_task(leaks_in(books_database, grace_seconds=2.5))
    while not looking.done():
        await admin.execute("UPDATE api.funds SET version = version + 1")
        await asyncio.sleep(0.02)
    assert await looking == []


async def test_a_recent_look_sees_what_is_open_however_old_and_a_whole_one_everything(
    admin: asyncpg.Connection, books_database: TestDatabase
) -> None:
    await write_anew(admin, timedelta(hours=3))
    assert await leaks_in(books_database, recent=True) == []
    await admin.execute(PLANTED["failed_beside_a_charge"])
    await admin.execute(PLANTED["unknown_to_scheduler"])
    assert kinds(await leaks_in(books_database, recent=True)) == {"unknown_to_scheduler"}
    assert kinds(await leaks_in(books_database)) == {"unknown_to_scheduler", "failed_beside_a_charge"}


async def test_looking_changes_nothing(admin: asyncpg.Connection, books_database: TestDatabase) -> None:
    async with open_sources(urls(books_database)) as sources:
        for schema in SCHEMAS:
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await sources.rows(schema, "DELETE FROM consumer_offsets")


async def test_schemas_that_cannot_be_read_are_no_clean_books(books_database: TestDatabase) -> None:
    for url in ("postgresql://nobody@127.0.0.1:1/nothing", books_database.url("api").replace(":", ":x", 2)):
        with pytest.raises((CouldNotLook, ValueError)):
            async with open_sources({"api": url}):
                pass
    async with open_sources({schema: books_database.url("api") for schema in SCHEMAS}) as sources:
        with pytest.raises(CouldNotLook):  # one role for all, without the right to read the others
            await check(sources, grace_seconds=0)


def run_the_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.books", "--grace-seconds", "0", *arguments],
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_the_command_says_clean_leaks_or_could_not_look(
    admin: asyncpg.Connection, books_database: TestDatabase
) -> None:
    four = {f"{schema.upper()}_DATABASE_URL": url for schema, url in urls(books_database).items()}
    clean = await asyncio.to_thread(run_the_command, **four)
    assert (clean.returncode, clean.stderr) == (0, "")
    assert "clean" in clean.stdout
    await admin.execute(PLANTED["slots_otherwise"])
    one = {"DATABASE_URL": books_database.admin_url}
    leaking = await asyncio.to_thread(run_the_command, "--json", **one)
    told: Any = json.loads(leaking.stdout)
    assert (told["clean"], [leak["kind"] for leak in told["leaks"]]) == (False, ["slots_otherwise"])
    assert leaking.returncode == 1
    away = await asyncio.to_thread(run_the_command, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert (away.returncode, away.stdout) == (2, "")
    assert away.stderr.startswith("could not look: api")


async def test_the_watch_counts_leaks_by_kind_and_is_ready_when_it_can_read(
    admin: asyncpg.Connection, books_database: TestDatabase
) -> None:
    def gauge(name: str, kind: str) -> float | None:
        return REGISTRY.get_sample_value(f"rehearsal_books_{name}", {"kind": kind})

    watch = Watch(urls(books_database), grace_seconds=0.0)
    assert not watch.readiness().ready
    await watch.look()
    assert watch.readiness().ready
    assert {gauge("leaks", kind) for kind in KINDS} == {0.0}
    await admin.execute(PLANTED["queued_past_its_time"])
    await watch.look()
    assert gauge("leaks", "queued_past_its_time") == 1
    assert (gauge("oldest_leak_seconds", "queued_past_its_time") or 0) >= AGE.total_seconds()
    assert gauge("looked_at_seconds", "whole") is not None
    assert gauge("looked_at_seconds", "recent") is not None, "the second look is a short one"
    failures = gauge("failures_total", "whole") or 0.0
    away = Watch(dict.fromkeys(SCHEMAS, "postgresql://nobody@127.0.0.1:1/nothing"), grace_seconds=0.0)
    await away.look()
    assert not away.readiness().ready
    assert gauge("failures_total", "whole") == failures + 1
