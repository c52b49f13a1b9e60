"""HEAD answers wherever GET does, OPTIONS needs no key, and whoever asks wrongly is told what is right."""

import pytest

from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_problem
from tests.integration.api.test_strangers import a_billed_batch

pytestmark = pytest.mark.integration

READ_ONLY, WRITABLE = "GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS, POST"
PATHS = {
    CALLS: WRITABLE,
    f"{CALLS}/1": READ_ONLY,
    BATCHES: WRITABLE,
    f"{BATCHES}/1": READ_ONLY,
    "/v1/calls": READ_ONLY,
    "/v1/calls/1": READ_ONLY,
    "/v1/calls/1/transcript": READ_ONLY,
    "/v1/billing": READ_ONLY,
    "/v1/billing/entries": READ_ONLY,
    "/v1/healthz": READ_ONLY,
    "/healthz": READ_ONLY,
    "/readyz": READ_ONLY,
    "/openapi.json": READ_ONLY,
    "/docs": READ_ONLY,
    "/docs/swagger-ui.css": READ_ONLY,
}
CHANGING = {"x-trace-id"}


async def test_head_answers_as_get_does_without_the_body(api: Api) -> None:
    story = await a_billed_batch(api)
    batch, run, call = story.batch_id, story.run_id, story.call_id
    for path in [
        *(path for path in PATHS if "/1" not in path and path != "/v1/billing"),  # its `as_of` is the moment itself
        *(f"{CALLS}?limit=1", f"{CALLS}/{run}", f"{BATCHES}/{batch}", f"/v1/calls/{call}/transcript"),
        *(f"{CALLS}?limit=0", f"{CALLS}/nothing", "/v1/nothing", "/nothing"),  # refusals too
    ]:
        got = await api.get(story.org, path)
        head = await api.client.head(path, headers=story.org.authorization)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        for name in got.headers.keys() - CHANGING:
            assert head.headers[name] == got.headers[name], (path, name)
        assert head.headers["content-length"] == str(len(got.content)), path
    funds = await api.client.head("/v1/billing", headers=story.org.authorization)
    assert (funds.status_code, funds.content) == (200, b"")


async def test_head_asks_for_a_key_as_get_does(api: Api) -> None:
    answer = await api.client.head(CALLS)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"]


@pytest.mark.parametrize(("path", "methods"), PATHS.items())
async def test_options_needs_no_key_and_names_the_methods(api: Api, path: str, methods: str) -> None:
    answer = await api.client.options(path)
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (204, b"", methods)
    assert "content-length" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_options_of_a_path_that_is_not_there_says_so(api: Api) -> None:
    for path in ("/v1/nothing", "/nothing", "/v1/calls/1/nothing"):
        assert_problem(await api.client.options(path), 404, "not_found")


@pytest.mark.parametrize(("path", "methods"), PATHS.items())
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "POST", "QUERY"])
async def test_a_wrong_method_is_told_all_that_the_path_takes(api: Api, path: str, methods: str, method: str) -> None:
    if method in methods:
        return
    org = await api.org(funds_cents=0)
    answer = await api.client.request(method, path, headers=org.authorization)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == methods
