"""The same key: the same request gets the first answer again, another one is refused."""

import json
from typing import Any

import pytest

from tests.integration.api.builders import a_batch, a_call
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_problem
from tests.integration.api.story import Story

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_the_same_request_gets_the_first_answers_bytes_and_makes_nothing_new(api: Api, path: str) -> None:
    org = await api.org()
    first = await api.post(org, path, a_batch(org, 2), key="k")
    stored = await api.stored()
    again = [await api.post(org, path, a_batch(org, 2), key="k") for _ in range(2)]
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    for answer in again:
        assert (answer.status_code, answer.content) == (201, first.content)
        assert answer.headers["idempotent-replayed"] == "true"
        assert answer.headers["content-type"] == first.headers["content-type"]
    assert await api.stored() == stored
    assert len(await api.said(org)) == 1


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_a_replay_says_where_as_the_first_answer_did(api: Api, path: str) -> None:
    org = await api.org()
    first, again = [await api.post(org, path, a_batch(org, 1), key="k") for _ in range(2)]
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers.get("location") == first.headers["location"]


async def test_a_replay_shows_the_run_as_it_was_first_answered(api: Api) -> None:
    org = await api.org()
    first = await api.call(org, key="k")
    (request,) = await api.said(org)
    await api.hear(Story(org, request).started())
    assert (await api.run(org, first.json()["id"]))["status"] == "in_progress"
    assert (await api.call(org, key="k")).content == first.content


async def test_spaces_order_and_escapes_of_the_body_do_not_matter(api: Api) -> None:
    org = await api.org()
    body = a_call(org, scenario_prompt="Grüße", metadata={"a": 1, "b": {"c": 2, "d": 3}})
    turned = {**dict(reversed(body.items())), "metadata": {"b": {"d": 3, "c": 2}, "a": 1}}
    first = await api.post_raw(org, CALLS, json.dumps(body, ensure_ascii=False).encode(), key="k")
    again = await api.post_raw(org, CALLS, json.dumps(turned, indent=3, ensure_ascii=True).encode(), key="k")
    assert (again.status_code, again.content) == (201, first.content)


@pytest.mark.parametrize(
    "other",
    [
        {"scenario_prompt": "other"},
        {"direction": "inbound"},
        {"metadata": {"a": 1}},
        {"unknown": 1},
        {"target_number": "+15551230000"},
    ],
)
async def test_another_body_is_a_mismatch(api: Api, other: dict[str, Any]) -> None:
    org = await api.org()
    await api.call(org, key="k")
    async with api.storing_nothing():
        assert_problem(await api.call(org, key="k", **other), 422, "idempotency_mismatch")


ONE = [
    {"mode": None},
    {"mode": "bot", "target_number": "", "scenario_prompt": None},
    {"metadata": {}, "unknown": None, "scenario_prompt": ""},
]


@pytest.mark.parametrize("stated", [*ONE, {"stagger_seconds": 0, "scenario_prompts": None, "name": ""}])
async def test_null_omitted_and_the_stated_default_are_one(api: Api, stated: dict[str, Any]) -> None:
    org = await api.org()
    for path in (CALLS, BATCHES) if stated in ONE else (BATCHES,):
        first = await api.post(org, path, a_batch(org, 2), key=path)
        again = await api.post(org, path, a_batch(org, 2, **stated), key=path)
        assert (again.status_code, again.content) == (201, first.content)
        reverse = await api.post(org, path, a_batch(org, 2, **stated), key=f"{path} reverse")
        assert (await api.post(org, path, a_batch(org, 2), key=f"{path} reverse")).content == reverse.content
    assert len(await api.said(org)) == 2 * (2 if stated in ONE else 1)


async def test_a_replay_across_a_deploy_is_one(api: Api) -> None:
    """Releases before compared to the letter, and kept a quoted key with its quotes."""
    org = await api.org()
    body = a_call(org, mode="bot", scenario_prompt=None)
    path_and_body = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    first = await api.post(org, CALLS, body, key="k")
    await api.change(
        "UPDATE idempotency_keys SET key = :quoted, fingerprint = sha256(CAST(:what AS bytea)) WHERE org_id = :id",
        quoted='"k"',
        what=f"POST\n{CALLS}\n{path_and_body}".encode(),
        id=org.org_id,
    )
    async with api.storing_nothing():
        again = await api.post(org, CALLS, body, key='"k"')
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        other = await api.post(org, CALLS, {**body, "direction": "inbound"}, key='"k"')
        assert_problem(other, 422, "idempotency_mismatch")


async def test_another_path_is_a_mismatch(api: Api) -> None:
    org = await api.org()
    await api.post(org, CALLS, a_batch(org, 1), key="k")
    async with api.storing_nothing():
        assert_problem(await api.post(org, BATCHES, a_batch(org, 1), key="k"), 422, "idempotency_mismatch")


async def test_a_malformed_request_under_a_used_key_is_malformed(api: Api) -> None:
    org = await api.org()
    await api.call(org, key="k")
    assert (await api.call(org, key="k", direction="x")).status_code == 400


async def test_a_mismatch_comes_before_what_the_directory_says(api: Api) -> None:
    org = await api.org()
    await api.call(org, key="k")
    assert_problem(await api.call(org, key="k", target_id=9_007_199_254_740_991), 422, "idempotency_mismatch")


async def test_a_replay_needs_neither_funds_nor_slots_nor_the_target(api: Api) -> None:
    org = await api.org(funds_cents=16, max_concurrent_runs=1)
    first = await api.call(org, key="k")
    assert (await api.call(org)).status_code == 402
    await api.change("DELETE FROM agents WHERE org_id = :org_id", org_id=org.org_id)
    assert (await api.call(org, key="k")).content == first.content


async def test_a_refusal_is_not_remembered(api: Api) -> None:
    org = await api.org(funds_cents=0)
    async with api.storing_nothing():
        assert_problem(await api.call(org, key="k"), 402, "insufficient_balance")
        assert_problem(await api.call(org, key="k", target_id=7), 404, "target_not_found")
        assert (await api.call(org, key="k", direction="x")).status_code == 400
    await api.hear(org.deposited(16))
    accepted = await api.call(org, key="k")
    assert accepted.status_code == 201
    assert "idempotent-replayed" not in accepted.headers


async def test_a_key_belongs_to_its_organisation(api: Api) -> None:
    org, other = await api.org(), await api.org()
    first, second = await api.call(org, key="k"), await api.call(other, key="k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize(("age", "replayed"), [("23 hours 59 minutes", True), ("24 hours 1 minute", False)])
async def test_a_key_is_kept_for_a_day(api: Api, age: str, replayed: bool) -> None:
    org = await api.org()
    first = await api.call(org, key="k")
    await api.change(
        "UPDATE idempotency_keys SET created_at = created_at - CAST(CAST(:age AS text) AS interval) WHERE org_id = :id",
        age=age,
        id=org.org_id,
    )
    again = await api.call(org, key="k")
    assert ("idempotent-replayed" in again.headers) is replayed
    assert (again.content == first.content) is replayed
    once_more = await api.call(org, key="k")
    assert once_more.content == again.content, "a key that was over is a new key"
