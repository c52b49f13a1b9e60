"""A body of at most 1 MiB, told before it is read or counted while it comes."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_invalid, assert_problem

pytestmark = pytest.mark.integration

MIB = 1_048_576
CHUNK = 65_536


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body of spaces that does not say how long it is."""
    for sent in range(0, size, CHUNK):
        yield b" " * min(CHUNK, size - sent)


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_a_body_that_says_that_it_is_too_large_is_refused(api: Api, path: str) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_problem(await api.post_raw(org, path, b" " * (MIB + 1)), 413, "body_too_large")


async def test_a_length_is_refused_before_a_byte_of_the_body_is_asked_for(api: Api) -> None:
    org = await api.org()

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {**org.authorization, "Content-Length": str(MIB + 1)}
    assert_problem(await api.client.post(CALLS, content=never(), headers=headers), 413, "body_too_large")


@pytest.mark.parametrize("length", ["99999999999999999999999", "1048577"])
async def test_any_larger_length_is_too_large(api: Api, length: str) -> None:
    org = await api.org()
    answer = await api.client.post(CALLS, content=b"{}", headers={**org.authorization, "Content-Length": length})
    assert_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_a_body_without_a_length_is_counted(api: Api, path: str) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_problem(await api.post_raw(org, path, chunks(MIB + 1)), 413, "body_too_large")


async def test_a_body_without_a_length_of_exactly_one_mebibyte_is_read(api: Api) -> None:
    assert_problem(await api.post_raw(await api.org(), CALLS, chunks(MIB)), 400, "malformed_json")


async def test_a_body_of_exactly_one_mebibyte_is_read(api: Api) -> None:
    org = await api.org()
    body = b'{"filler": "' + b"x" * (MIB - 14) + b'"}'
    assert len(body) == MIB
    assert_invalid(await api.post_raw(org, CALLS, body), "target_type", "target_id", "direction")
