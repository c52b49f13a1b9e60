"""A batch is in progress until its last run has ended; then it completed, unless every run failed."""

import pytest

from shared.events.event import Event
from tests.integration.api.harness import Api
from tests.integration.api.story import Story

pytestmark = pytest.mark.integration


async def a_story(api: Api, run_count: int) -> Story:
    story = await api.accepted_batch(await api.org(), run_count)
    await api.hear(story.reserved())
    return story


async def test_a_batch_is_in_progress_while_a_run_is_open(api: Api) -> None:
    story = await a_story(api, 3)
    await api.hear(story.started(0), story.started(1), story.completed(1), story.failed(2, called=False))
    batch = await api.seen_batch(story.org, story.batch_id)
    assert (batch["status"], batch["completed_runs"], batch["failed_runs"]) == ("in_progress", 1, 1)
    assert batch["completed_at"] is None


async def test_it_starts_with_its_first_call_and_ends_with_its_last_run(api: Api) -> None:
    story = await a_story(api, 2)
    assert (await api.seen_batch(story.org, story.batch_id))["started_at"] is None
    await api.hear(story.started(1))
    first = await api.seen_batch(story.org, story.batch_id)
    await api.hear(story.started(0), story.completed(1), story.completed(0, duration_seconds=1_000))
    batch = await api.seen_batch(story.org, story.batch_id)
    runs = [await api.run(story.org, run_id) for run_id in story.run_ids]
    assert first["started_at"] == runs[1]["started_at"]
    assert batch["started_at"] == runs[0]["started_at"] < runs[1]["started_at"]
    assert batch["completed_at"] == runs[0]["completed_at"] > runs[1]["completed_at"]
    assert (batch["status"], batch["completed_runs"], batch["failed_runs"]) == ("completed", 2, 0)


async def test_one_completed_run_is_enough(api: Api) -> None:
    story = await a_story(api, 3)
    await api.hear(story.started(0), story.failed(0), story.expired(1), story.started(2), story.completed(2))
    batch = await api.seen_batch(story.org, story.batch_id)
    assert (batch["status"], batch["completed_runs"], batch["failed_runs"]) == ("completed", 1, 2)


async def test_a_batch_of_which_every_run_failed_has_failed(api: Api) -> None:
    story = await a_story(api, 3)
    await api.hear(story.started(0), story.failed(0), story.failed(1, called=False), story.expired(2))
    batch = await api.seen_batch(story.org, story.batch_id)
    assert (batch["status"], batch["completed_runs"], batch["failed_runs"]) == ("failed", 0, 3)
    assert batch["completed_at"] is not None


async def test_a_batch_that_billing_declines_fails_as_a_whole(api: Api) -> None:
    story = await api.accepted_batch(await api.org(), 3)
    await api.hear(story.declined())
    batch = await api.seen_batch(story.org, story.batch_id)
    assert (batch["status"], batch["failed_runs"], batch["started_at"]) == ("failed", 3, None)
    for run_id in story.run_ids:
        assert (await api.run(story.org, run_id))["status"] == "failed"


async def test_an_end_that_is_heard_twice_is_counted_once(api: Api) -> None:
    story = await a_story(api, 2)
    ends: list[Event] = [story.started(0), story.completed(0)]
    await api.hear(*ends, *ends)
    await api.hear(*ends)
    batch = await api.seen_batch(story.org, story.batch_id)
    assert (batch["status"], batch["completed_runs"], batch["failed_runs"]) == ("in_progress", 1, 0)


async def test_what_becomes_of_one_batch_is_nothing_to_another(api: Api) -> None:
    story = await a_story(api, 1)
    other = await api.accepted_batch(story.org, 1)
    await api.hear(story.failed(0, called=False))
    before = await api.seen_batch(story.org, other.batch_id)
    assert (before["status"], before["failed_runs"], before["updated_at"]) == ("in_progress", 0, before["created_at"])
