"""Where a key may stand, and how long it may be."""

import pytest

from tests.integration.api.builders import a_call
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_invalid

pytestmark = pytest.mark.integration


async def test_a_key_in_the_body_is_the_same_key_as_in_the_header(api: Api) -> None:
    org = await api.org()
    in_header = await api.call(org, key="k")
    in_body = await api.call(org, idempotency_key="k")
    in_both = await api.call(org, idempotency_key="k", key="k")
    assert in_header.content == in_body.content == in_both.content
    assert in_body.headers["idempotent-replayed"] == in_both.headers["idempotent-replayed"] == "true"


async def test_a_quoted_key_is_the_same_key_as_the_bare_one(api: Api) -> None:
    org = await api.org()
    first = await api.call(org, key='"8e03978e-40d5-43e8-bc93-6894a57f9324"')
    assert first.status_code == 201
    for key in ("8e03978e-40d5-43e8-bc93-6894a57f9324", '"8e03978e-40d5-43e8-bc93-6894a57f9324";v=1'):
        again = await api.call(org, key=key)
        assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


@pytest.mark.parametrize("key", ['"k', '"k" "l"', '"k\\n"', '""', '"'])
async def test_a_malformed_quoted_key_is_refused(api: Api, key: str) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_invalid(await api.call(org, key=key), "Idempotency-Key")


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_two_keys_that_differ_are_refused(api: Api, path: str) -> None:
    org = await api.org()
    async with api.storing_nothing():
        answer = await api.post(org, path, a_call(org, run_count=1, idempotency_key="a"), key="b")
    assert_invalid(answer, "idempotency_key")


@pytest.mark.parametrize(("length", "status"), [(1, 201), (255, 201), (256, 400), (0, 400)])
async def test_a_header_has_up_to_255_characters(api: Api, length: int, status: int) -> None:
    org = await api.org()
    answer = await api.call(org, key="k" * length)
    assert answer.status_code == status
    if status == 400:
        assert_invalid(answer, "Idempotency-Key")


@pytest.mark.parametrize(("length", "status"), [(1, 201), (128, 201), (129, 400), (0, 400)])
async def test_a_key_in_the_body_has_up_to_128_characters(api: Api, length: int, status: int) -> None:
    org = await api.org()
    answer = await api.call(org, idempotency_key="ü" * length)
    assert answer.status_code == status
    if status == 400:
        assert_invalid(answer, "idempotency_key")


async def test_keys_of_255_characters_that_differ_in_the_last_are_two(api: Api) -> None:
    org = await api.org()
    first, second = await api.call(org, key="k" * 254 + "a"), await api.call(org, key="k" * 254 + "b")
    assert first.json()["id"] != second.json()["id"]


async def test_case_matters(api: Api) -> None:
    org = await api.org()
    assert (await api.call(org, key="k")).json()["id"] != (await api.call(org, key="K")).json()["id"]


async def test_without_a_key_every_request_is_a_new_one(api: Api) -> None:
    org = await api.org()
    assert (await api.call(org)).json()["id"] != (await api.call(org)).json()["id"]
    count = await api.value("SELECT count(*) FROM idempotency_keys WHERE org_id = :id", id=org.org_id)
    assert count == 0
