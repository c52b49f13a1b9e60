"""A body that is no JSON object is a 400, whatever it is made of: never a 422, never a 500, and nothing is stored."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.integration.api.builders import a_batch
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_problem

pytestmark = pytest.mark.integration

NO_JSON = {
    "nothing": b"",
    "spaces": b"  \n",
    "half an object": b'{"target_type": "agent"',
    "single quotes": b"{'target_type': 'agent'}",
    "trailing comma": b'{"target_type": "agent",}',
    "two objects": b"{} {}",
    "a comment": b"{/* */}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b'{"scenario_prompt": "\xff"}',
    "UTF-16": '{"target_type": "agent"}'.encode("utf-16"),
    "a lone high surrogate": b'{"scenario_prompt": "\\ud83d"}',
    "a lone low surrogate": b'{"scenario_prompt": "\\udc4b"}',
    "a surrogate in UTF-8": b'{"scenario_prompt": "\xed\xa0\x80"}',
    "a raw control character": b'{"scenario_prompt": "\x00"}',
    "NaN": b'{"target_id": NaN}',
    "Infinity": b'{"target_id": Infinity}',
    "minus Infinity": b'{"metadata": {"a": -Infinity}}',
    "a hexadecimal number": b'{"target_id": 0x1}',
    "a leading zero": b'{"target_id": 01}',
    "deep arrays": b"[" * 100_000,
    "deep arrays in a field": b'{"metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000,
    "an integer of a hundred thousand digits": b'{"target_id": ' + b"1" * 100_000 + b"}",
    "a form": b"target_type=agent&target_id=1",
    "a key twice": b'{"consent_to_charge": false, "consent_to_charge": true}',
    "a key twice with the same value": b'{"target_id": 1, "target_id": 1}',
    "a key twice, once escaped": b'{"target_id": 1, "target\\u005fid": 2}',
    "an unknown key twice": b'{"what": 1, "what": 2}',
    "a key twice, far down": b'{"metadata": {"a": [{"b": {"c": 1, "d": 2, "c": 3}}]}}',
    "a key twice under a key twice": b'{"metadata": {"a": 1, "a": 2}, "metadata": {}}',
    "something after the object": b'{"target_type": "agent"} x',
    "a NUL after the object": b"{}\x00",
}
NO_OBJECTS = [b"[]", b"null", b"true", b"1", b'"agent"', b'[{"target_type": "agent"}]']


@pytest.mark.parametrize("path", [CALLS, BATCHES])
@pytest.mark.parametrize("body", [pytest.param(body, id=what) for what, body in NO_JSON.items()])
async def test_what_is_no_json_is_malformed(api: Api, path: str, body: bytes) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_problem(await api.post_raw(org, path, body), 400, "malformed_json")


@pytest.mark.parametrize("path", [CALLS, BATCHES])
@pytest.mark.parametrize("body", NO_OBJECTS)
async def test_json_that_is_no_object_is_malformed(api: Api, path: str, body: bytes) -> None:
    org = await api.org()
    assert_problem(await api.post_raw(org, path, body), 400, "malformed_json")


async def test_a_body_is_json_whatever_its_content_type_says(api: Api) -> None:
    org = await api.org()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        headers = {**org.authorization, "Content-Type": content_type}
        answer = await api.client.post(BATCHES, content=json.dumps(a_batch(org, 1)), headers=headers)
        assert answer.status_code == 201, content_type


@pytest.mark.parametrize("path", [CALLS, BATCHES])
@pytest.mark.parametrize("digits", [16, 400, 4_290])
async def test_a_huge_integer_under_an_unknown_key_disturbs_nobody(api: Api, path: str, digits: int) -> None:
    org = await api.org()
    body = json.dumps(a_batch(org, 1))[:-1] + ', "what": ' + "9" * digits + "}"
    assert (await api.post_raw(org, path, body.encode(), key="k")).status_code == 201


async def test_consent_that_is_given_and_refused_in_one_body_is_not_charged(api: Api) -> None:
    org = await api.org()
    body = json.dumps(a_batch(org, 1))[:-1]
    for twice in (', "consent_to_charge": false}', ', "consent_to_charge": true}'):
        async with api.storing_nothing():
            assert_problem(await api.post_raw(org, BATCHES, (body + twice).encode()), 400, "malformed_json")


async def test_the_same_key_in_two_objects_is_no_key_twice(api: Api) -> None:
    org = await api.org()
    metadata = {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}
    assert (await api.call(org, metadata=metadata)).json()["metadata"] == metadata


@pytest.mark.parametrize("path", [CALLS, BATCHES])
@pytest.mark.parametrize(
    "codings", [["gzip"], ["br"], ["deflate, identity"], ["GZIP"], ["utf-8"], ["identity", "x"], [""]]
)
async def test_an_encoded_body_is_refused_before_it_is_read(api: Api, path: str, codings: list[str]) -> None:
    org = await api.org()

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = [*org.authorization.items(), *(("Content-Encoding", coding) for coding in codings)]
    answer = await api.client.post(path, content=never(), headers=headers)
    assert_problem(answer, 415, "unsupported_encoding")


@pytest.mark.parametrize("coding", ["identity", "Identity"])
async def test_identity_is_no_encoding(api: Api, coding: str) -> None:
    org = await api.org()
    headers = {**org.authorization, "Content-Encoding": coding}
    assert (await api.client.post(BATCHES, json=a_batch(org, 1), headers=headers)).status_code == 201


async def test_no_key_and_too_large_come_before_encoded(api: Api) -> None:
    org = await api.org()
    headers = {"Content-Encoding": "gzip"}
    assert (await api.client.post(CALLS, content=b"x", headers=headers)).status_code == 401
    large = await api.client.post(CALLS, content=b" " * 1_048_577, headers={**org.authorization, **headers})
    assert large.status_code == 413


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_a_query_beside_the_body_is_ignored(api: Api, path: str) -> None:
    org = await api.org()
    assert (await api.post(org, f"{path}?limit=0&what=%FF", a_batch(org, 1))).status_code == 201
