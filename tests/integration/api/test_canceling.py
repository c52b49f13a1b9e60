"""POST …/cancel: what is open is asked to end, once; the answer says how it is, and nothing that has ended changes."""

import asyncio

import pytest

from shared.events.admissions import TestCallExpired
from shared.events.event import Event
from shared.events.requests import CancelRequested
from tests.integration.api.builders import Org
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_invalid, assert_problem
from tests.integration.api.story import Story
from tests.support.some_events import of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

CANCELED = "Canceled"


async def cancels(api: Api, org: Org) -> list[CancelRequested]:
    """Take what was said since this was last asked; return what an organisation's runs were asked."""
    api.kept += await api.ear.said()
    said: list[Event] = api.kept
    api.kept = []
    return [one for one in of(said, CancelRequested) if one.org_id == org.org_id]


def expired(story: Story, nth: int = 0) -> TestCallExpired:
    """The scheduler has ended it."""
    return story.expired(nth).model_copy(update={"reason": CANCELED})


async def test_a_run_that_waits_is_asked_to_end_and_fails_when_its_owner_has_ended_it(api: Api) -> None:
    org = await api.org()
    story = await api.paid(org)
    answer = await api.post(org, f"{CALLS}/{story.run_id}/cancel", {})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["status"], answer.json()["error_message"]) == ("queued", "")
    assert answer.json()["cancel_requested_at"] is not None
    (asked,) = await cancels(api, org)
    assert (asked.run_id, asked.request_id, asked.batch_id) == (story.run_id, story.request.request_id, None)
    await api.hear(expired(story), story.released(called=False))
    run = await api.run(org, story.run_id)
    assert (run["status"], run["error_message"], run["started_at"]) == ("failed", CANCELED, None)
    funds = await api.funds(org)
    assert (funds["held_cents"], funds["available_cents"]) == (0, 100_000)


async def test_it_may_be_waited_for(api: Api) -> None:
    org = await api.org()
    story = await api.paid(org)
    asking = asyncio.create_task(api.post(org, f"{CALLS}/{story.run_id}/cancel?wait=60", {}))

    async def asked() -> bool:
        return bool(await cancels(api, org))

    await eventually(asked, what="asked to end")
    await api.hear(expired(story))
    async with asyncio.timeout(30):
        answer = await asking
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")


async def test_a_run_is_asked_once_however_often_it_is_canceled(api: Api) -> None:
    org = await api.org()
    story = await api.paid(org)
    path = f"{CALLS}/{story.run_id}/cancel"
    answers = await asyncio.gather(*(api.post(org, path, {}) for _ in range(10)))
    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["cancel_requested_at"] for one in answers}) == 1
    assert len(await cancels(api, org)) == 1


async def test_what_has_ended_stays_as_it_is(api: Api) -> None:
    org = await api.org()
    story = await api.paid(org)
    await api.hear(story.started(), story.completed(), story.settled())
    before = await api.run(org, story.run_id)
    answer = await api.post(org, f"{CALLS}/{story.run_id}/cancel?wait=60", {})
    assert (answer.status_code, answer.json()) == (200, before)
    assert await cancels(api, org) == []


async def test_a_completion_that_came_first_counts(api: Api) -> None:
    org = await api.org()
    story = await api.paid(org)
    await api.hear(story.started())
    assert (await api.post(org, f"{CALLS}/{story.run_id}/cancel", {})).status_code == 202
    await api.hear(story.completed(), story.settled())
    run = await api.run(org, story.run_id)
    assert (run["status"], run["error_message"]) == ("completed", "")
    assert run["cancel_requested_at"] is not None


async def test_of_a_batch_all_that_has_not_ended_is_asked(api: Api) -> None:
    org = await api.org()
    story = await api.accepted_batch(org, 3)
    await api.hear(story.reserved(), story.started(0), story.completed(0), story.settled(0))
    path = f"{BATCHES}/{story.batch_id}/cancel"
    answer = await api.post(org, path, {})
    assert (answer.status_code, answer.json()["status"]) == (202, "in_progress")
    assert [(one.run_id, one.batch_id) for one in await cancels(api, org)] == [
        (run_id, story.batch_id) for run_id in story.run_ids[1:]
    ]
    await api.hear(expired(story, 1), expired(story, 2))
    again = await api.post(org, path, {})
    assert (again.status_code, again.json()["status"]) == (200, "completed")
    assert (again.json()["completed_runs"], again.json()["failed_runs"]) == (1, 2)
    assert await cancels(api, org) == []


async def test_anothers_and_what_is_not_there_answer_with_the_same_bytes_and_ask_nobody(api: Api) -> None:
    org, other = await api.org(), await api.org()
    story = await api.accepted_batch(org, 1)
    for path, number in ((CALLS, story.run_id), (BATCHES, story.batch_id)):
        foreign = await api.post(other, f"{path}/{number}/cancel", {})
        absent = await api.post(other, f"{path}/987654321/cancel", {})
        assert_problem(foreign, 404, "not_found")
        assert foreign.content == absent.content
        assert_invalid(await api.post(org, f"{path}/{number}/cancel?wait=61", {}), "wait")
    assert await cancels(api, org) == []
    assert (await api.run(org, story.run_id))["cancel_requested_at"] is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"wait": 5}', b"\x00" * 1000])
async def test_it_needs_no_body_and_looks_at_none(api: Api, body: bytes) -> None:
    org = await api.org()
    story = await api.accepted(org)
    assert (await api.post_raw(org, f"{CALLS}/{story.run_id}/cancel", body)).status_code == 202
