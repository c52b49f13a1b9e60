"""Query strings, read strictly."""

from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from services.api.edges.http import strict
from services.api.edges.http.models.calls import CallQuery
from services.api.edges.http.models.query import MAX_VALUE_CHARS, IdFilter, PageQuery
from services.api.edges.http.problems import Refused
from services.api.edges.http.strict import read_query
from tests.unit.api.models import read_or_sentences


class Query(CallQuery):
    """Every kind of filter there is."""

    kind: Literal["a", "b"] | None = None
    run_id: IdFilter | None = None


def read(written: bytes, model: type[PageQuery] = Query) -> Any:
    """The query's values, or what is wrong with it. What comes twice counts as its last."""
    found = read_or_sentences(model, dict(QueryParams(read_query(written)).items()), where="query")
    return found.model_dump() if isinstance(found, PageQuery) else found


def test_what_is_not_given_is_none_or_the_default() -> None:
    assert read(b"") == {**dict.fromkeys(Query.model_fields), "limit": 50, "offset": 0}
    assert read(b"limit=1&limit=2")["limit"] == 2


def test_the_filters_are_what_is_beside_the_page() -> None:
    assert CallQuery(limit=7).filters == dict.fromkeys(CallQuery.model_fields.keys() - PageQuery.model_fields.keys())


def test_every_wrong_parameter_has_its_sentence() -> None:
    fields = read(b"limit=0&offset=x&status=done&agent_id=0&is_test_call=1&from_number=&start_date=soon&kind=c")
    assert set(fields) == {
        *("limit", "offset", "status", "agent_id", "is_test_call", "from_number", "start_date", "kind"),
    }
    assert fields["limit"] == ["Must be between 1 and 200."]
    assert fields["offset"] == ["Must be an integer."]
    assert fields["kind"] == ["Must be one of: a, b."]
    assert fields["status"] == ["Must be one of: in_progress, completed, failed."]


@pytest.mark.parametrize("value", ["", "+1", " 1", "1 ", "1_0", "1.0", "1e1", "٣", "１", "0x1", "--1", "-"])
def test_an_integer_is_ascii_digits(value: str) -> None:
    found = read_or_sentences(Query, {"run_id": value, "limit": value}, where="query")
    assert found == {"limit": ["Must be an integer."], "run_id": ["Must be an integer."]}


@given(st.integers(-300, 300))
def test_a_bounded_integer_is_read_if_it_is_within(number: int) -> None:
    found = read(f"limit={number}".encode())
    if 1 <= number <= 200:
        assert found["limit"] == number
    else:
        assert found == {"limit": ["Must be between 1 and 200."]}


def test_a_date_is_its_whole_day_and_a_timestamp_is_in_its_own_zone() -> None:
    found = read(b"start_date=2026-01-31&end_date=2026-01-31")
    assert found["start_date"] == datetime(2026, 1, 31, tzinfo=UTC)
    assert found["end_date"] == datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    for written in (b"2026-01-31T01:00:00%2B02:00", b"2026-01-31T01:00:00+02:00"):
        assert read(b"start_date=" + written)["start_date"] == datetime(2026, 1, 30, 23, tzinfo=UTC)
    in_utc, without = (read(b"start_date=2026-01-31T01:00:00" + zone)["start_date"] for zone in (b"Z", b""))
    assert in_utc == without == datetime(2026, 1, 31, 1, tzinfo=UTC)


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused(written: bytes) -> None:
    found, status = {}, 200
    try:
        found = read(written)
    except Refused as refusal:
        status = refusal.answer.status_code
    assert status in (200, 400)
    assert found.keys() <= Query.model_fields.keys(), "and nothing is refused without a name"


@settings(derandomize=True, max_examples=300)
@given(st.sampled_from(sorted(Query.model_fields)), st.text(max_size=30))
def test_a_filter_is_read_or_says_what_is_wrong(name: str, value: str) -> None:
    found = read_or_sentences(Query, {name: value}, where="query")
    if isinstance(found, Query):
        assert getattr(found, name) is not None
    else:
        assert found is not None
        assert found.keys() == {name}
        assert found[name][0].startswith("Must be")


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (b"what=" + b"x" * (strict.MAX_QUERY_CHARS - 5), b"what=" + b"x" * (strict.MAX_QUERY_CHARS - 4)),
        (b"&".join([b"a=1"] * strict.MAX_PARAMETERS), b"&".join([b"a=1"] * (strict.MAX_PARAMETERS + 1))),
    ],
)
def test_a_query_just_within_a_limit_is_read_and_one_beyond_is_not(within: bytes, beyond: bytes) -> None:
    assert read(within).keys() == Query.model_fields.keys()
    with pytest.raises(Refused) as refusal:
        read(beyond)
    assert refusal.value.answer.status_code == 400


def test_a_value_just_within_its_limit_is_read_and_one_beyond_is_not() -> None:
    assert len(read(b"from_number=" + b"x" * MAX_VALUE_CHARS)["from_number"]) == MAX_VALUE_CHARS
    assert read(b"from_number=" + b"x" * (MAX_VALUE_CHARS + 1)).keys() == {"from_number"}


def test_the_limits_of_a_query_are_those_that_are_documented() -> None:
    assert (strict.MAX_QUERY_CHARS, strict.MAX_PARAMETERS, MAX_VALUE_CHARS) == (8_192, 100, 300)
