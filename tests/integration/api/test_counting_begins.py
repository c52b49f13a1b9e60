"""Counting open runs begins in a database that is in use: what was open is counted once, what changes meanwhile too."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import services.api.migrations
from shared.db.migrate import migrate
from tests.integration.api.assembly import an_api
from tests.integration.api.counted import assert_counted, counted
from tests.integration.api.harness import Api
from tests.integration.api.story import Story
from tests.support.databases import TestDatabase
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ORGS = 12
ANSWER_AND_START = "UPDATE runs SET funds_answered = true, status = 'in_progress'"
BEFORE = """
DROP TRIGGER runs_are_counted_on_insert ON runs; DROP TRIGGER runs_are_counted_on_update ON runs;
DROP TRIGGER runs_are_counted_on_delete ON runs; DROP TABLE open_runs, open_runs_changed;
DROP FUNCTION count_open_runs, note_insert_of_runs, note_update_of_runs, note_delete_of_runs, recount_open_runs;
TRUNCATE schema_version
"""


@pytest.fixture
async def api(test_database: TestDatabase) -> AsyncIterator[Api]:
    """An API of this test's own."""
    async with an_api(test_database.url("api")) as api:
        yield api


@pytest.fixture
async def owner(test_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(test_database.url("api"), server_settings={"search_path": "api"})
    yield connection
    await connection.close()


@pytest.fixture
def that_alone(tmp_path: Path) -> Path:
    """A service whose one migration is the one that begins to count."""
    (found,) = Path(services.api.migrations.__path__[0]).glob("*_open_runs.py")
    (tmp_path / "migrations").mkdir()
    alone = re.sub(r'down_revision = "\d+"', "down_revision = None", found.read_text())
    (tmp_path / "migrations" / found.name).write_text(alone)
    return tmp_path


async def stories_of_many(api: Api) -> list[Story]:
    stories = []
    for _ in range(ORGS):
        org = await api.org()
        stories += [await api.accepted_batch(org, 4), await api.accepted(org)]
    return stories


async def test_counting_begins_while_an_older_release_writes(
    api: Api, owner: asyncpg.Connection, that_alone: Path
) -> None:
    stories = await stories_of_many(api)
    await owner.execute(BEFORE)
    for story in stories[::3]:
        await api.hear(story.reserved(), story.started())
    migrating = asyncio.create_task(migrate(api.database.url, schema="api", service_package=that_alone))
    heard = 0
    while not migrating.done():  # words are heard at any moment of it
        story = stories[heard % len(stories)]
        await api.hear(story.reserved(), story.started(), story.completed())
        heard += 1
    await migrating
    await assert_counted(api.database)
    for story in stories:
        await api.hear(story.reserved(), *(story.failed(nth) for nth in range(len(story.run_ids))))
        await api.accepted(story.org)
    await assert_counted(api.database)
    assert await counted(api, stories[0].org) == (2 * 16, 2, 2)


async def test_counting_that_was_cut_while_it_began_goes_on(
    api: Api, owner: asyncpg.Connection, that_alone: Path
) -> None:
    stories = await stories_of_many(api)
    await owner.execute("TRUNCATE schema_version")
    await owner.execute("DELETE FROM open_runs WHERE org_id > $1", stories[0].org.org_id)  # not counted yet
    await migrate(api.database.url, schema="api", service_package=that_alone)
    await assert_counted(api.database)


async def test_what_changed_before_counting_began_and_is_committed_after_it_is_counted(
    api: Api, owner: asyncpg.Connection, that_alone: Path
) -> None:
    (story, *_) = await stories_of_many(api)
    await owner.execute(BEFORE)
    async with owner.transaction():
        await owner.execute(f"{ANSWER_AND_START} WHERE org_id = $1", story.org.org_id)
        migrating = asyncio.create_task(migrate(api.database.url, schema="api", service_package=that_alone))
        await eventually(lambda: is_waiting(api), what="the migration waits for the writer")
    await migrating
    await assert_counted(api.database)


@pytest.mark.parametrize("is_committing", [False, True])
async def test_an_organisation_is_counted_anew_beside_those_who_are_changing_it(
    api: Api, owner: asyncpg.Connection, is_committing: bool
) -> None:
    """As an operator does whom the books have told of a difference."""
    for story in (await stories_of_many(api))[::2]:
        await api.change("UPDATE open_runs SET queued_runs = 77 WHERE org_id = :org", org=story.org.org_id)
        async with owner.transaction():
            await owner.execute(f"{ANSWER_AND_START} WHERE org_id = $1", story.org.org_id)
            if is_committing:
                await owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
            recounting = asyncio.create_task(api.change("SELECT recount_open_runs(:org)", org=story.org.org_id))
            if is_committing:
                await eventually(lambda: is_waiting(api), what="counting waits for the commit")
            else:
                await recounting
        await recounting
    await assert_counted(api.database)


async def is_waiting(api: Api) -> bool:
    return bool(
        await api.value(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
            """
        )
    )
