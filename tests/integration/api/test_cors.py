"""Scripts of other sites: those that the operator named may ask and read, for any other nothing changes."""

import pytest

from tests.integration.api.assembly import FRIENDLY_ORIGIN
from tests.integration.api.builders import a_call
from tests.integration.api.harness import CALLS, Api

pytestmark = pytest.mark.integration

FRIEND = {"Origin": FRIENDLY_ORIGIN}
OTHERS = ["https://evil.example", "null", FRIENDLY_ORIGIN + ".evil.example", FRIENDLY_ORIGIN.upper(), "*", ""]
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type,idempotency-key, X-SDK-Version",
}


async def test_a_named_origin_may_send_what_it_wants_to_send(api: Api) -> None:
    answer = await api.client.options(CALLS, headers={**FRIEND, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == FRIENDLY_ORIGIN
    assert answer.headers["access-control-allow-methods"] == answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["access-control-allow-headers"] == PREFLIGHT["Access-Control-Request-Headers"]
    assert int(answer.headers["access-control-max-age"]) > 0
    assert "Origin" in answer.headers["vary"]


async def test_a_named_origin_reads_every_answer_and_its_headers(api: Api) -> None:
    org = await api.org()
    answers = [
        await api.get(org, CALLS, **FRIEND),
        await api.client.get(CALLS, headers=FRIEND),
        await api.get(org, f"{CALLS}?limit=0", **FRIEND),
        await api.client.post(CALLS, json=a_call(org), headers={**org.authorization, **FRIEND}),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 400, 201]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == FRIENDLY_ORIGIN
        assert answer.headers["vary"] == "Origin"
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"x-total-count", "link", "idempotent-replayed", "retry-after", "x-trace-id", "location"} <= exposed
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", OTHERS)
async def test_any_other_origin_is_told_nothing(api: Api, origin: str) -> None:
    org = await api.org()
    for answer in (
        await api.client.options(CALLS, headers={"Origin": origin, **PREFLIGHT}),
        await api.get(org, CALLS, Origin=origin),
    ):
        assert answer.is_success
        assert answer.headers["vary"] == "Origin", "what a cache keeps for one site is not another's"
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("wanted", ["x" * 1_025, "a b", "ä", ",", ""])
async def test_what_is_no_list_of_header_names_is_not_echoed(api: Api, wanted: str) -> None:
    headers = {**FRIEND, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": wanted.encode()}
    answer = await api.client.options(CALLS, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 204
    assert "access-control-allow-headers" not in answer.headers
