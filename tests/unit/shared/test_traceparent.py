"""What cannot be trusted is not carried on (W3C Trace Context §3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.traceparent import new_traceparent, trace_id_of, valid

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_well_formed_one_is_carried_on() -> None:
    assert valid(GOOD) == GOOD
    assert trace_id_of(GOOD) == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        GOOD.upper(),
        GOOD + "-more",
        GOOD[:-1],
        "ff" + GOOD[2:],
        "00-" + "0" * 32 + GOOD[35:],
        GOOD[:36] + "0" * 16 + GOOD[52:],
        GOOD + "\n",
        GOOD.replace("-", "_"),
    ],
)
def test_a_malformed_one_is_dropped(bad: str | None) -> None:
    assert valid(bad) is None
    assert trace_id_of(bad) is None


@given(st.text(max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    assert valid(text) in (None, text)


def test_a_new_one_is_valid_and_never_the_same() -> None:
    assert valid(new_traceparent())
    assert new_traceparent() != new_traceparent()
