"""Events of one batch on several partitions at once: every run is counted, whoever heard of it."""

import asyncio
from collections import Counter

import pytest

from shared.events.event import Event
from tests.integration.api.assembly import an_api_ear
from tests.integration.api.harness import Api
from tests.support.ear import Ear

pytestmark = pytest.mark.integration

EARS = 5
RUNS = 20


async def hear_one_by_one(ear: Ear, events: list[Event]) -> None:
    for event in events:
        await ear.hear(event)


async def test_a_batch_counts_the_ends_that_several_instances_hear_at_once(api: Api) -> None:
    ears = [await an_api_ear(api.database, partition=100 + nth) for nth in range(EARS)]
    org = await api.org()
    for _ in range(3):
        story = await api.accepted_batch(org, RUNS)
        await api.hear(story.reserved())
        polls: list[list[Event]] = [[] for _ in ears]
        for nth in range(RUNS):
            end: Event = story.failed(nth) if nth % 4 == 0 else story.completed(nth)
            polls[nth % EARS] += [story.started(nth), end]
        await asyncio.gather(*(hear_one_by_one(ear, poll) for ear, poll in zip(ears, polls, strict=True)))
        batch = await api.seen_batch(org, story.batch_id)
        assert (batch["status"], batch["completed_runs"], batch["failed_runs"]) == ("completed", 15, 5)


async def test_runs_are_accepted_while_events_are_heard(api: Api) -> None:
    org = await api.org(max_concurrent_runs=1_000)
    ears = [await an_api_ear(api.database, partition=200 + nth) for nth in range(EARS)]
    stories = [await api.accepted(org) for _ in range(RUNS)]
    polls: list[list[Event]] = [[] for _ in ears]
    for nth, story in enumerate(stories):
        polls[nth % EARS] += [story.started(), story.completed()]
    posts = [asyncio.create_task(api.call(org)) for _ in range(RUNS)]
    await asyncio.gather(*(hear_one_by_one(ear, poll) for ear, poll in zip(ears, polls, strict=True)))
    answers = [await post for post in posts]
    assert Counter(answer.status_code for answer in answers) == {201: RUNS}
    runs = (await api.get(org, "/v1/test-calls?limit=200")).json()
    assert Counter(run["status"] for run in runs) == {"completed": RUNS, "queued": RUNS}
