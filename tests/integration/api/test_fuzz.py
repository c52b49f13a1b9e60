"""Whatever comes: never a 5xx, a refusal in the contract's shape, and nothing stored by it."""

import json

import httpx2
import pytest

from tests.integration.api.arbitrary import Arbitrary
from tests.integration.api.builders import Org, a_batch
from tests.integration.api.harness import BATCHES, CALLS, Api

pytestmark = pytest.mark.integration

EXAMPLES = 150
QUERIES = 400
LISTS = (CALLS, BATCHES, "/v1/calls", "/v1/billing/entries", "/v1/billing")
ONES = (f"{CALLS}/", f"{BATCHES}/", "/v1/calls/")


async def an_open_org(api: Api) -> Org:
    """An organisation that is never refused for its limits."""
    return await api.org(funds_cents=10**12, max_concurrent_runs=100_000, max_queued_runs=1_000_000)


def assert_a_refusal(answer: httpx2.Response, example: str) -> None:
    assert 400 <= answer.status_code < 500, (example, answer.status_code, answer.text)
    assert answer.status_code != 422 or answer.json()["code"] == "idempotency_mismatch", example
    body = answer.json()
    assert isinstance(body["code"], str), example
    assert body["code"] == "validation_error" or set(body) == {"detail", "code"}, example


async def post_all(api: Api, org: Org, path: str, bodies: list[bytes]) -> tuple[int, int]:
    """Post bodies one after the other; return how many were accepted and how many refused."""
    accepted = refused = 0
    stored = await api.stored()
    for body in bodies:
        answer = await api.post_raw(org, path, body)
        now = await api.stored()
        if answer.status_code == 201 and "idempotent-replayed" not in answer.headers:
            accepted += 1
            runs = answer.json().get("run_count", 1)
            assert now["runs"] == stored["runs"] + runs, body
            assert now["outbox"] == stored["outbox"] + 1, body
            stored = now
        elif answer.status_code != 201:
            refused += 1
            assert_a_refusal(answer, repr(body[:500]))
        assert now == stored, body
    return accepted, refused


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_arbitrary_fields_are_accepted_or_refused(api: Api, path: str) -> None:
    org, arbitrary = await an_open_org(api), Arbitrary(seed=1)
    bodies = [json.dumps(arbitrary.like(a_batch(org, 2))).encode() for _ in range(EXAMPLES)]
    accepted, refused = await post_all(api, org, path, bodies)
    assert accepted > EXAMPLES // 10
    assert refused > EXAMPLES // 10
    assert (await api.get(org, f"{path}?limit=200")).status_code == 200


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_arbitrary_json_is_refused(api: Api, path: str) -> None:
    org, arbitrary = await an_open_org(api), Arbitrary(seed=2)
    bodies = [json.dumps(arbitrary.json(depth=5)).encode() for _ in range(EXAMPLES)]
    assert await post_all(api, org, path, bodies) == (0, EXAMPLES)


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_arbitrary_bytes_are_accepted_or_refused(api: Api, path: str) -> None:
    org, arbitrary = await an_open_org(api), Arbitrary(seed=3)
    bodies = [arbitrary.bytes() for _ in range(EXAMPLES // 3)]
    bodies += [arbitrary.bytes_like(a_batch(org, 1, scenario_prompt="Grüße")) for _ in range(EXAMPLES)]
    _, refused = await post_all(api, org, path, bodies)
    assert refused > EXAMPLES // 2


async def test_arbitrary_queries_are_answered_or_refused(api: Api) -> None:
    org, arbitrary, answered = await an_open_org(api), Arbitrary(seed=4), 0
    await api.batch(org, 5)
    for _ in range(QUERIES):
        query = arbitrary.query()
        for path in LISTS:
            answer = await api.get(org, f"{path}?{query}")
            if answer.status_code == 200:
                answered += 1
            else:
                assert_a_refusal(answer, f"{path}?{query}")
    assert QUERIES < answered < QUERIES * len(LISTS)


async def test_arbitrary_ids_are_not_found(api: Api) -> None:
    org, arbitrary = await an_open_org(api), Arbitrary(seed=5)
    for _ in range(EXAMPLES):
        number = arbitrary.path_id()
        for path in ONES:
            for tail in ("", "/transcript"):
                answer = await api.get(org, f"{path}{number}{tail}")
                if answer.status_code != 200:
                    assert_a_refusal(answer, f"{path}{number}{tail}")


async def test_arbitrary_keys_let_nobody_in(api: Api) -> None:
    arbitrary = Arbitrary(seed=6)
    for _ in range(EXAMPLES):
        given = arbitrary.chance.choice((b"Bearer ", b"Bearer sk_", b"", b"Basic ")) + arbitrary.bytes()
        header = given.replace(b"\r", b"").replace(b"\n", b"").replace(b"\x00", b"")
        answer = await api.client.get(CALLS, headers=[(b"Authorization", header)])
        assert answer.status_code == 401, header
