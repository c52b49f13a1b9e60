"""What is served without a key, and what an unknown path or a wrong method is told."""

import pytest

from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_problem

pytestmark = pytest.mark.integration


async def test_the_health_check_needs_no_key(api: Api) -> None:
    answer = await api.client.get("/v1/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/healthz/", "/v1/test-calls/1/nothing"])
async def test_an_unknown_path_under_v1_asks_for_a_key_before_it_says_so(api: Api, path: str) -> None:
    org = await api.org()
    assert_problem(await api.client.get(path), 401, "unauthorized")
    assert_problem(await api.get(org, path), 404, "not_found")


async def test_an_unknown_path_elsewhere_is_not_found(api: Api) -> None:
    assert_problem(await api.client.get("/nothing"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", CALLS),
        ("DELETE", CALLS),
        ("PATCH", BATCHES),
        ("POST", f"{CALLS}/1"),
        ("DELETE", f"{BATCHES}/1"),
        ("POST", "/v1/calls"),
        ("PUT", "/v1/calls/1/transcript"),
        ("POST", "/v1/billing"),
        ("DELETE", "/v1/billing/entries"),
        ("POST", "/v1/healthz"),
    ],
)
async def test_a_wrong_method_is_refused_in_json(api: Api, method: str, path: str) -> None:
    org = await api.org()
    answer = await api.client.request(method, path, headers=org.authorization)
    assert_problem(answer, 405, "method_not_allowed")


async def test_every_answer_names_its_trace(api: Api) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    org = await api.org()
    given = await api.get(org, CALLS, traceparent=f"00-{trace}-b7ad6b7169203331-01")
    assert given.headers["x-trace-id"] == trace
    made = (await api.client.get(CALLS)).headers["x-trace-id"]
    assert len(made) == 32
    assert made != trace
