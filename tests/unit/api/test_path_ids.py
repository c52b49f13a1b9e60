"""The id of a path: digits of an id that there may be."""

import pytest
from pydantic import TypeAdapter, ValidationError

from services.api.edges.http.path_id import PathId
from shared.events.fields import MAX_ID

path_id = TypeAdapter[int](PathId).validate_python


@pytest.mark.parametrize("number", [1, 7, 10**15, MAX_ID])
def test_an_id_is_read(number: int) -> None:
    assert path_id(str(number)) == number


@pytest.mark.parametrize(
    "given",
    [
        *("0", "-1", "+1", "1.0", "1e3", "abc", "", " 1", "1 ", "1\n", "\x00", "1\x00", "٣", "²", "１", "1_0", "0x1"),
        *("01", str(MAX_ID + 1), str(10**30), "9" * 10_000),
    ],
)
def test_what_is_no_id_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        path_id(given)
