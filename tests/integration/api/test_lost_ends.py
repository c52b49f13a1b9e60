"""A completion that only the API could not read is shown as what billing says, or as it was once it comes mended."""

from itertools import permutations
from typing import Any

import pytest

from tests.integration.api.harness import Api
from tests.integration.api.picture import all_that_is_seen
from tests.integration.api.story import Story

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("dead_letters_are_cleared")]

LOST, CHARGE = "lost", "charge"
EITHER_WAY = [(LOST, CHARGE), (CHARGE, LOST)]


async def in_progress(api: Api) -> Story:
    story = await api.accepted_batch(await api.org(), 1)
    await api.hear(story.reserved(), story.started())
    return story


async def seen(api: Api, story: Story) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    return (
        await api.run(story.org, story.run_id),
        await api.seen_call(story.org, story.call_id),
        await api.seen_batch(story.org, story.batch_id),
    )


@pytest.mark.parametrize("order", EITHER_WAY)
async def test_a_charge_completes_a_run_whose_completion_could_not_be_read(api: Api, order: tuple[str, str]) -> None:
    story = await in_progress(api)
    settled = story.settled()
    for one in order:
        assert (await api.run(story.org, story.run_id))["status"] == "in_progress", "never failed beside a charge"
        if one == LOST:
            await api.hear_garbage(story.completed())
        else:
            await api.hear(settled)
    run, call, batch = await seen(api, story)
    assert (run["status"], run["error_message"], run["duration_seconds"]) == ("completed", "", None)
    assert (run["transcript"], run["call_id"]) == ([], story.call_id)
    assert run["started_at"] <= run["completed_at"] == call["end_time"]
    assert (call["status"], call["end_reason"], call["duration_seconds"]) == ("completed", None, None)
    assert (call["billing_total_cents"], call["billable_minutes"]) == (16, 1)
    assert (batch["status"], batch["completed_runs"]) == ("completed", 1)


@pytest.mark.parametrize("order", EITHER_WAY)
async def test_a_release_fails_a_run_whose_completion_nobody_could_read(api: Api, order: tuple[str, str]) -> None:
    story = await in_progress(api)
    released = story.released()
    for one in order:
        if one == LOST:
            await api.hear_garbage(story.completed())
        else:
            await api.hear(released)
    run, call, batch = await seen(api, story)
    assert (run["status"], run["error_message"]) == ("failed", "The result of the call could not be read")
    assert (call["status"], call["end_reason"], call["billing_total_cents"]) == ("failed", "error", 0)
    assert (batch["status"], batch["failed_runs"]) == ("failed", 1)


@pytest.mark.parametrize("order", list(permutations((LOST, CHARGE, "mended"))))
async def test_a_completion_that_comes_again_mended_is_shown_as_it_was(api: Api, order: tuple[str, ...]) -> None:
    story, like = await in_progress(api), await in_progress(api)
    await api.hear(like.completed(), like.settled())
    settled = story.settled()
    for one in order:
        if one == LOST:
            await api.hear_garbage(story.completed())
        else:
            await api.hear(settled if one == CHARGE else story.completed())
    run, call, batch = await seen(api, story)
    assert (run["status"], run["duration_seconds"], len(run["transcript"])) == ("completed", 54, 2)
    assert (call["end_reason"], call["duration_seconds"]) == ("caller_hangup", 54)
    assert call["end_time"] == run["completed_at"]
    assert batch["completed_runs"] == 1
    before = await all_that_is_seen(api, story.org)
    await api.hear(story.completed(duration_seconds=7))
    assert await all_that_is_seen(api, story.org) == before, "a second one changes nothing"


async def test_a_mended_completion_does_not_undo_a_release(api: Api) -> None:
    story = await in_progress(api)
    await api.hear_garbage(story.completed())
    await api.hear(story.released())
    await api.hear(story.completed())
    assert (await api.run(story.org, story.run_id))["status"] == "failed"


@pytest.mark.parametrize("order", EITHER_WAY)
@pytest.mark.parametrize(("word", "status", "cents"), [("settled", "completed", None), ("released", "failed", 0)])
async def test_a_run_does_not_stay_open_if_billings_word_could_not_be_read_either(
    api: Api, order: tuple[str, str], word: str, status: str, cents: int | None
) -> None:
    story = await in_progress(api)
    billing = getattr(story, word)()
    for one in order:
        await api.hear_garbage(story.completed() if one == LOST else billing)
    run, call, _ = await seen(api, story)
    assert run["status"] == status
    assert call["billing_total_cents"] == cents
    if word == "settled":
        await api.hear(billing)
        assert (await api.seen_call(story.org, story.call_id))["billing_total_cents"] == 16, "until it comes mended"


async def test_a_charged_run_of_which_neither_start_nor_end_could_be_read_is_completed_with_its_call(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear(story.reserved())
    await api.hear_garbage(story.started())
    await api.hear_garbage(story.completed())
    await api.hear(story.settled())
    run, call = await api.run(story.org, story.run_id), await api.seen_call(story.org, story.call_id)
    assert (run["status"], run["call_id"]) == ("completed", story.call_id)
    assert call["start_time"] == call["end_time"] == run["started_at"] == run["completed_at"]
