"""Slots: what is running or about to run, and how many may wait."""

import pytest

from shared.events.directory import OrgUpserted
from tests.integration.api.builders import a_key, an_agent, new_org
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_problem

pytestmark = pytest.mark.integration


async def test_a_single_run_finds_a_slot_or_is_told_when_to_come_again(api: Api) -> None:
    org = await api.org(max_concurrent_runs=2)
    assert [(await api.call(org)).status_code for _ in range(2)] == [201, 201]
    async with api.storing_nothing():
        refused = await api.call(org)
    assert_problem(refused, 429, "concurrency_limit")
    assert int(refused.headers["retry-after"]) > 0


async def test_a_batch_finds_room_in_the_queue_or_is_told_when_to_come_again(api: Api) -> None:
    org = await api.org(max_queued_runs=5)
    assert (await api.batch(org, 3)).status_code == 201
    async with api.storing_nothing():
        refused = await api.batch(org, 3)
    assert_problem(refused, 429, "queue_full")
    assert int(refused.headers["retry-after"]) > 0
    assert (await api.batch(org, 2)).status_code == 201


async def test_a_batch_may_be_larger_than_the_slots(api: Api) -> None:
    org = await api.org(max_concurrent_runs=1)
    assert (await api.batch(org, 20)).status_code == 201


async def test_waiting_runs_of_a_batch_take_no_slot_from_single_ones(api: Api) -> None:
    org = await api.org(max_concurrent_runs=2)
    story = await api.accepted_batch(org, 10)
    assert (await api.call(org)).status_code == 201
    await api.hear(story.reserved(), story.started(0))
    assert_problem(await api.call(org), 429, "concurrency_limit")


async def test_every_end_of_a_run_gives_its_slot_back(api: Api) -> None:
    org = await api.org(max_concurrent_runs=1)
    for end in ("completed", "failed", "expired", "declined"):
        story = await api.accepted(org)
        assert_problem(await api.call(org), 429, "concurrency_limit")
        if end in ("completed", "failed"):
            await api.hear(story.started())
            assert_problem(await api.call(org), 429, "concurrency_limit")
        await api.hear(getattr(story, end)())


async def test_a_run_leaves_the_queue_with_its_start(api: Api) -> None:
    org = await api.org(max_queued_runs=2)
    story = await api.accepted_batch(org, 2)
    assert_problem(await api.batch(org, 1), 429, "queue_full")
    await api.hear(story.started(0))
    assert (await api.batch(org, 1)).status_code == 201
    await api.hear(story.expired(1))
    assert (await api.batch(org, 1)).status_code == 201


async def test_single_runs_that_wait_take_room_in_the_queue(api: Api) -> None:
    org = await api.org(max_queued_runs=2)
    await api.accepted(org)
    assert_problem(await api.batch(org, 2), 429, "queue_full")
    assert (await api.batch(org, 1)).status_code == 201


async def test_the_limits_are_twenty_slots_and_two_hundred_places(api: Api) -> None:
    org = await api.org()
    assert [(await api.call(org)).status_code for _ in range(21)] == [201] * 20 + [429]
    other = await api.org()
    assert [(await api.batch(other, 20)).status_code for _ in range(11)] == [201] * 10 + [429]


async def test_an_organisation_of_which_only_a_key_is_known_has_the_same_limits(api: Api) -> None:
    org = new_org()
    await api.hear(a_key(org, org.key), an_agent(org), org.deposited(100_000))
    assert [(await api.call(org)).status_code for _ in range(21)] == [201] * 20 + [429]


async def test_new_limits_count_from_the_next_request_on(api: Api) -> None:
    org = await api.org(max_concurrent_runs=1)
    assert (await api.call(org)).status_code == 201
    await api.hear(OrgUpserted(org_id=org.org_id, name="grown", max_concurrent_runs=2))
    assert [(await api.call(org)).status_code for _ in range(2)] == [201, 429]


async def test_an_organisations_runs_take_no_slot_of_anothers(api: Api) -> None:
    org, other = await api.org(max_concurrent_runs=1), await api.org(max_concurrent_runs=1)
    assert (await api.call(org)).status_code == 201
    assert (await api.call(other)).status_code == 201
