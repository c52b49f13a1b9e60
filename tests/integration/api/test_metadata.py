"""Metadata: any JSON object of at most 4 KiB, kept and shown as it came."""

import json
from typing import Any

import pytest

from tests.integration.api.builders import a_call
from tests.integration.api.harness import CALLS, Api
from tests.integration.api.problems import assert_invalid

pytestmark = pytest.mark.integration

KIB = 1_024


def of_size(size: int, letter: str = "x") -> dict[str, str]:
    """Metadata that takes `size` bytes as JSON."""
    frame = len('{"a": ""}')
    metadata = {"a": letter * ((size - frame) // len(letter.encode()))}
    return metadata


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"": ""},
        {"ci": "42", "nested": {"a": [1, -2, 2.5, 1e-7, True, False, None, [[]], {}]}},
        {"ünïcode": "👋\u2028\n\u0001"},
        {"big": 9_007_199_254_740_993, "code": "not an error", "transcript": [], "id": 7},
        {"a float stays one": [1.0, 1e22, 1e300, -1e-300]},
        {"a backslash, u and four zeros": "\\u0000"},
    ],
)
async def test_metadata_comes_back_as_it_was_given(api: Api, metadata: dict[str, Any]) -> None:
    org = await api.org()
    answer = await api.call(org, metadata=metadata)
    assert answer.status_code == 201, answer.text
    assert answer.json()["metadata"] == metadata
    assert (await api.run(org, answer.json()["id"]))["metadata"] == metadata


async def test_metadata_does_not_grow_between_the_answer_and_a_get(api: Api) -> None:
    org = await api.org()
    answer = await api.call(org, metadata={"a": [1e300] * 500})
    seen = await api.get(org, answer.headers["location"])
    assert len(seen.content) < 2 * len(answer.content)


async def test_four_kibibytes_are_taken_and_one_byte_more_is_not(api: Api) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_invalid(await api.call(org, metadata=of_size(4 * KIB + 1)), "metadata")
    assert (await api.call(org, metadata=of_size(4 * KIB))).status_code == 201


async def test_the_limit_counts_bytes_and_not_characters(api: Api) -> None:
    org = await api.org()
    metadata = of_size(5 * KIB, "ü")
    assert len(json.dumps(metadata, ensure_ascii=False)) < 4 * KIB
    assert_invalid(await api.call(org, metadata=metadata), "metadata")


@pytest.mark.parametrize(
    "metadata", [b'{"a": "\\u0000"}', b'{"\\u0000": 1}', b'{"a": 1e999}', b'{"a": [{"b": -1e999}]}']
)
async def test_what_json_columns_cannot_hold_is_refused_by_name(api: Api, metadata: bytes) -> None:
    org = await api.org()
    body = json.dumps(a_call(org)).encode()[:-1] + b', "metadata": ' + metadata + b"}"
    async with api.storing_nothing():
        assert_invalid(await api.post_raw(org, CALLS, body), "metadata")
