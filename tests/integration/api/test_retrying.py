"""POST …/retry: what has failed of a batch, as a new batch that names its parent, through the same admission."""

from typing import Any

import pytest

from services.api.edges.http.models.batches import TestCallBatch
from services.api.edges.http.models.problems import Problem
from tests.integration.api.builders import Org
from tests.integration.api.harness import BATCHES, Api
from tests.integration.api.problems import assert_invalid, assert_problem
from tests.integration.api.story import Story

pytestmark = pytest.mark.integration

CONSENT = {"consent_to_charge": True}


async def half_failed(api: Api, org: Org, **fields: Any) -> Story:
    """A batch of four of which the second and the fourth run failed."""
    story = await api.accepted_batch(org, 4, scenario_prompts=["a", "b", "c"], **fields)
    await api.hear(story.reserved(), *(story.started(nth) for nth in range(3)))
    await api.hear(story.completed(0), story.failed(1), story.completed(2), story.expired(3))
    return story


def retry_of(story: Story) -> str:
    return f"{BATCHES}/{story.batch_id}/retry"


async def test_the_failed_runs_alone_are_asked_for_again_each_with_its_own_prompt(api: Api) -> None:
    org = await api.org()
    story = await half_failed(api, org, name="nightly", stagger_seconds=7, metadata={"build": 12})
    answer = await api.post(org, retry_of(story), CONSENT)
    assert answer.status_code == 201, answer.text
    batch = answer.json()
    TestCallBatch.model_validate_json(answer.content, strict=True)
    assert answer.headers["location"] == f"{BATCHES}/{batch['id']}"
    assert (batch["parent_batch_id"], batch["name"], batch["stagger_seconds"]) == (story.batch_id, "nightly", 7)
    assert (batch["run_count"], batch["estimated_cost_cents"], batch["status"]) == (2, 32, "in_progress")
    assert batch == await api.seen_batch(org, batch["id"])
    runs = [await api.run(org, run_id) for run_id in batch["run_ids"]]
    assert [(run["scenario_prompt"], run["metadata"]) for run in runs] == [("b", {"build": 12}), ("a", {"build": 12})]
    (said,) = await api.said(org)
    assert (said.batch_id, said.stagger_seconds, [run.run_id for run in said.runs]) == (
        batch["id"],
        7,
        batch["run_ids"],
    )
    parent = await api.seen_batch(org, story.batch_id)
    assert (parent["parent_batch_id"], parent["failed_runs"]) == (None, 2)


async def test_it_may_have_a_name_of_its_own_and_be_asked_for_its_price(api: Api) -> None:
    org = await api.org()
    story = await half_failed(api, org, name="nightly")
    async with api.storing_nothing():
        price = await api.post(org, retry_of(story), {**CONSENT, "dry_run": True})
        assert (price.status_code, price.json()["estimated_cost_cents"]) == (200, 32)
        assert_invalid(await api.post(org, retry_of(story), {**CONSENT, "max_cost_cents": 31}), "max_cost_cents")
    named = await api.post(org, retry_of(story), {**CONSENT, "name": "again", "max_cost_cents": 32})
    assert named.json()["name"] == "again"


async def test_with_one_key_it_is_asked_for_once(api: Api) -> None:
    org = await api.org()
    story = await half_failed(api, org)
    first = await api.post(org, retry_of(story), CONSENT, key="retry")
    again = await api.post(org, retry_of(story), CONSENT, key="retry")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert_problem(
        await api.post(org, retry_of(story), {**CONSENT, "name": "x"}, key="retry"), 422, "idempotency_mismatch"
    )


async def test_a_retry_can_be_retried(api: Api) -> None:
    org = await api.org()
    story = await half_failed(api, org)
    await api.post(org, retry_of(story), CONSENT)
    second = Story(org, (await api.said(org))[-1])
    await api.hear(second.declined())
    third = await api.post(org, retry_of(second), CONSENT)
    assert (third.json()["parent_batch_id"], third.json()["run_count"]) == (second.batch_id, 2)


async def test_it_is_refused_as_any_request_is(api: Api) -> None:
    org, other = await api.org(funds_cents=80, max_queued_runs=4), await api.org()
    story = await half_failed(api, org)
    path, body = retry_of(story), {**CONSENT}
    await api.hear(story.settled(0), story.settled(2), story.released(1), story.released(3, called=False))
    good = await api.accepted_batch(other, 1)
    async with api.storing_nothing():
        for answer, status, code in (
            (await api.post(org, path, {}), 400, "consent_required"),
            (await api.post_raw(org, path, b"{"), 400, "malformed_json"),
            (await api.client.post(path), 401, "unauthorized"),
            (await api.post(other, path, body), 404, "not_found"),
            (await api.post(org, f"{BATCHES}/987654321/retry", body), 404, "not_found"),
            (await api.post(other, retry_of(good), body), 400, "nothing_to_retry"),
            (await api.post_raw(org, path, b" " * 1_048_577), 413, "body_too_large"),
        ):
            assert_problem(answer, status, code)
            Problem.model_validate_json(answer.content, strict=True)
        assert_invalid(await api.post(org, path, {**body, "name": 1}), "name")
    assert (await api.post(org, path, body)).status_code == 201
    assert_problem(await api.post(org, path, body), 402, "insufficient_balance")
    await api.hear(org.deposited(1_000))
    await api.change("UPDATE orgs SET max_queued_runs = 1 WHERE org_id = :id", id=org.org_id)
    assert_problem(await api.post(org, path, body), 429, "queue_full")
