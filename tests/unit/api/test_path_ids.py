"""The id of a path: digits of an id that there may be, else 0, which nothing has."""

import pytest
from starlette.requests import Request

from services.api.edges.http.reading.gets import _path_id
from shared.events.fields import MAX_ID


def path_id(given: str) -> int:
    return _path_id(Request({"type": "http", "path_params": {"id": given}}))


@pytest.mark.parametrize("number", [1, 7, 10**15, MAX_ID])
def test_an_id_is_read(number: int) -> None:
    assert path_id(str(number)) == number


@pytest.mark.parametrize(
    "given",
    [
        *("0", "-1", "+1", "1.0", "1e3", "abc", "", " 1", "1 ", "1\n", "\x00", "1\x00", "٣", "²", "１", "1_0", "0x1"),
        *(str(MAX_ID + 1), str(10**30), "9" * 10_000),
    ],
)
def test_what_is_no_id_is_nothings(given: str) -> None:
    assert path_id(given) == 0
