"""Query strings, read strictly."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.edges.http.reading import query
from services.api.edges.http.reading.query import WrongQuery, read_query

READERS: dict[str, query.Reader] = {
    **query.PAGE,
    "status": query.one_of("queued", "failed"),
    "agent_id": query.integer(1),
    "from_number": query.text,
    "is_test_call": query.boolean,
    "start_date": query.from_instant,
    "end_date": query.until_instant,
}


def wrong(written: bytes) -> dict[str, list[str]]:
    """The fields of the refusal."""
    with pytest.raises(WrongQuery) as refusal:
        read_query(written, READERS)
    return refusal.value.fields


def test_what_is_not_given_is_none_or_the_default() -> None:
    values = read_query(b"", READERS)
    assert values == {**dict.fromkeys(READERS), "limit": 50, "offset": 0}


def test_a_list_without_pages_gets_no_page() -> None:
    assert read_query(b"limit=0", {"status": query.one_of("a")}) == {"status": None}


def test_every_wrong_parameter_has_its_sentence() -> None:
    fields = wrong(b"limit=0&offset=x&status=done&agent_id=0&is_test_call=1&from_number=&start_date=soon")
    assert set(fields) == {"limit", "offset", "status", "agent_id", "is_test_call", "from_number", "start_date"}
    assert fields["limit"] == ["Must be between 1 and 200."]
    assert fields["offset"] == ["Must be an integer."]
    assert fields["status"] == ["Must be one of: queued, failed."]


@pytest.mark.parametrize("value", ["", "+1", " 1", "1 ", "1_0", "1.0", "1e1", "٣", "１", "0x1", "--1", "-"])
def test_an_integer_is_ascii_digits(value: str) -> None:
    with pytest.raises(ValueError, match="integer"):
        query.integer(-10, 10)(value)


@given(st.integers(-300, 300))
def test_a_bounded_integer_is_read_if_it_is_within(number: int) -> None:
    read = query.integer(1, 200)
    if 1 <= number <= 200:
        assert read(str(number)) == number
    else:
        with pytest.raises(ValueError, match="between 1 and 200"):
            read(str(number))


def test_a_date_is_its_whole_day_and_a_timestamp_is_in_its_own_zone() -> None:
    assert query.from_instant("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert query.until_instant("2026-01-31") == datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert query.from_instant("2026-01-31T01:00:00+02:00") == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert query.from_instant("2026-01-31T01:00:00 02:00") == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert query.from_instant("2026-01-31T01:00:00Z") == query.from_instant("2026-01-31T01:00:00")


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused(written: bytes) -> None:
    try:
        values = read_query(written, READERS)
    except WrongQuery as refusal:
        values, fields = {}, refusal.fields
        assert fields.keys() <= {*READERS, "query"}, "and nothing is refused without a name"
    assert values.keys() in (set(), READERS.keys())


@settings(derandomize=True, max_examples=300)
@given(st.sampled_from(sorted(READERS)), st.text(max_size=30))
def test_a_reader_returns_a_value_or_says_what_is_wrong(name: str, value: str) -> None:
    try:
        said = "read" if READERS[name](value) is not None else "nothing"
    except ValueError as error:
        said = str(error)
    assert said == "read" or said.startswith("Must be")


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (b"what=" + b"x" * (query.MAX_QUERY_CHARS - 5), b"what=" + b"x" * (query.MAX_QUERY_CHARS - 4)),
        (b"&".join([b"a=1"] * query.MAX_PARAMETERS), b"&".join([b"a=1"] * (query.MAX_PARAMETERS + 1))),
        (b"from_number=" + b"x" * query.MAX_VALUE_CHARS, b"from_number=" + b"x" * (query.MAX_VALUE_CHARS + 1)),
    ],
)
def test_a_query_just_within_a_limit_is_read_and_one_beyond_is_not(within: bytes, beyond: bytes) -> None:
    assert read_query(within, READERS).keys() == READERS.keys()
    assert len(wrong(beyond)) == 1


def test_the_limits_of_a_query_are_those_that_are_documented() -> None:
    assert (query.MAX_QUERY_CHARS, query.MAX_PARAMETERS, query.MAX_VALUE_CHARS) == (8_192, 100, 300)
