"""Recordings go when their time is over, object and row, whatever dies in between; nobody loses one by mistake."""

import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.api.edges.db.cleaner import clean_once
from services.api.edges.recordings.tidying import LOST_AFTER_DAYS, look_for_orphans, tidy_once
from services.api.settings import MIN_RUNS_KEPT_DAYS
from shared.recordings.names import new_names
from shared.recordings.store import RecordingStore, StoreAway, in_folder
from tests.integration.api.assembly import an_api
from tests.integration.api.builders import Org
from tests.integration.api.harness import Api
from tests.integration.api.story import Story
from tests.integration.api.test_recordings import a_recording, recorded
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.integration

DAYS = 5


@pytest.fixture
async def api(test_database: TestDatabase, tmp_path: Path) -> AsyncIterator[Api]:
    """An API of this test's own: its store is looked at as a whole."""
    async with an_api(test_database.url("api"), offers_sip=True, store=in_folder(tmp_path)) as api:
        yield api


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return in_folder(tmp_path)


async def recorded_runs(api: Api, folder: Path, count: int = 1) -> tuple[Org, list[Story]]:
    org = await api.org()
    stories = [await api.paid(org, mode="sip") for _ in range(count)]
    for story in stories:
        await api.hear(story.started(), recorded(story, a_recording(story, folder)), story.settled())
    return org, stories


async def age(api: Api, stories: Sequence[Story], days: int) -> None:
    await api.change(
        """
        UPDATE recordings SET heard_at = now() - make_interval(days => :days)
        WHERE call_id = ANY(CAST(:ids AS bigint[]))
        """,
        days=days,
        ids=[story.call_id for story in stories],
    )


def objects_in(folder: Path) -> int:
    return sum(file.is_file() for file in folder.rglob("*"))


def sounds_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.wav"))


async def rows(api: Api) -> int:
    count: int = await api.value("SELECT count(*) FROM recordings")
    return count


async def test_recordings_go_whole_when_their_time_is_over(api: Api, store: RecordingStore, tmp_path: Path) -> None:
    org, (old, young) = await recorded_runs(api, tmp_path, 2)
    await age(api, [old], DAYS + 1)
    await tidy_once(api.database, store, DAYS)
    assert (objects_in(tmp_path), await rows(api)) == (2, 1)
    gone, there = await api.seen_call(org, old.call_id), await api.seen_call(org, young.call_id)
    assert (gone["recording_url"], gone["recording_mode"]) == (None, "recording")
    assert gone["recording_started_at"] is not None
    assert there["recording_url"] is not None
    assert (await api.get(org, f"/v1/calls/{old.call_id}/audio")).status_code == 404


async def test_they_are_kept_for_ever_unless_the_operator_says_otherwise(
    api: Api, store: RecordingStore, tmp_path: Path
) -> None:
    _, stories = await recorded_runs(api, tmp_path)
    await age(api, stories, 10_000)
    assert await tidy_once(api.database, store, None) == 0
    assert objects_in(tmp_path) == 2


async def test_objects_that_are_gone_already_are_as_good_as_deleted(
    api: Api, store: RecordingStore, tmp_path: Path
) -> None:
    _, stories = await recorded_runs(api, tmp_path, 2)
    await age(api, stories, DAYS + 1)
    sounds_in(tmp_path)[0].unlink()
    await tidy_once(api.database, store, DAYS)
    assert (objects_in(tmp_path), await rows(api)) == (0, 0)


async def test_what_was_cut_off_between_object_and_row_is_finished_by_the_next_round(
    api: Api, store: RecordingStore, tmp_path: Path
) -> None:
    class Dying(RecordingStore):
        async def delete(self, names: Sequence[str]) -> None:
            await super().delete(names[:1])
            raise StoreAway("it died")

    org, stories = await recorded_runs(api, tmp_path, 2)
    await age(api, stories, DAYS + 1)
    with pytest.raises(StoreAway):
        await tidy_once(api.database, Dying(store._inner, folder=tmp_path), DAYS)
    assert (objects_in(tmp_path), await rows(api)) == (3, 2)
    for story in stories:  # a row that is on its way out shows nothing that may be gone
        assert (await api.seen_call(org, story.call_id))["recording_url"] is None
    await tidy_once(api.database, store, DAYS)
    assert (objects_in(tmp_path), await rows(api)) == (0, 0)


async def test_recordings_go_with_their_runs(api: Api, store: RecordingStore, tmp_path: Path) -> None:
    await recorded_runs(api, tmp_path, 2)
    await api.change("UPDATE runs SET completed_at = now() - make_interval(days => :days)", days=MIN_RUNS_KEPT_DAYS + 1)
    await clean_once(api.database, runs_kept_days=MIN_RUNS_KEPT_DAYS)
    await tidy_once(api.database, store, None)
    assert (objects_in(tmp_path), await rows(api)) == (0, 0)


async def test_a_recording_that_never_came_is_said_to_have_failed(
    api: Api, store: RecordingStore, tmp_path: Path
) -> None:
    org = await api.org()
    story = await api.paid(org, mode="sip")
    await api.hear(story.started(), recorded(story, a_recording(story, tmp_path, is_stored=False)))
    await tidy_once(api.database, store, None)
    assert (await api.seen_call(org, story.call_id))["recording_mode"] == "recording"
    await age(api, [story], LOST_AFTER_DAYS + 1)
    await tidy_once(api.database, store, None)
    assert (await api.seen_call(org, story.call_id))["recording_mode"] == "recording_failed_before_capture"


async def test_objects_that_no_row_names_are_found_and_go_only_where_recordings_do(
    api: Api, store: RecordingStore, tmp_path: Path
) -> None:
    await recorded_runs(api, tmp_path)
    for file in tmp_path.rglob("*.*"):  # noqa: ASYNC240 - a test's own few
        os.utime(file, (0, 0))
    orphans = [tmp_path / name for name in (*new_names(9, 1), *new_names(9, 3))]
    for nth, file in enumerate(orphans):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"sound")
        days = LOST_AFTER_DAYS + (DAYS + 1 if nth < 2 else 1)
        at = datetime.now(UTC).timestamp() - days * 86_400
        os.utime(file, (at, at))
    assert await look_for_orphans(api.database, store, None) == 4
    assert [file.exists() for file in orphans] == [True] * 4
    assert await look_for_orphans(api.database, store, DAYS) == 4
    assert [file.exists() for file in orphans] == [False, False, True, True]
    assert objects_in(tmp_path) == 4, "what has a row is nobody's orphan, however old"


async def test_a_store_that_is_away_costs_nothing_else(api: Api, tmp_path: Path) -> None:
    _, stories = await recorded_runs(api, tmp_path)
    await age(api, stories, DAYS + 1)
    assert await tidy_once(api.database, None, DAYS) == 1
    assert (objects_in(tmp_path), await rows(api)) == (2, 1)
