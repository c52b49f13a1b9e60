"""Hooks are believed if they are signed, a moment ago, with the secret: nothing else is."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hooks.signing import ID, SIGNATURE, TIMESTAMP, TOLERANCE_SECONDS, is_signed, read_secret, signed

# Source: the example of Standard Webhooks 1.0, which other libraries verify as well.
SECRET = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
NOW = 1_614_265_330.0
HEADERS = {ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", TIMESTAMP: "1614265330"}
SIGNED = {**HEADERS, SIGNATURE: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}


def test_the_standards_own_example_is_made_and_believed() -> None:
    assert signed(SECRET, HEADERS[ID], BODY, now=NOW) == SIGNED
    assert is_signed(SECRET, SIGNED, BODY, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {ID: "msg_other"},
        {ID: ""},
        {ID: "m" * 256},
        {TIMESTAMP: "1614265331"},
        {TIMESTAMP: "+1614265330"},
        {TIMESTAMP: "x"},
        {TIMESTAMP: "٣"},
        {TIMESTAMP: "9" * 400},
        {SIGNATURE: ""},
        {SIGNATURE: SIGNED[SIGNATURE].removeprefix("v1,")},
        {SIGNATURE: SIGNED[SIGNATURE].replace("v1,", "v2,")},
        {SIGNATURE: "v1,ü"},
    ],
)
def test_what_is_forged_is_not_believed(changes: dict[str, str]) -> None:
    assert not is_signed(SECRET, {**SIGNED, **changes}, BODY, now=NOW)
    assert not is_signed(SECRET, {}, BODY, now=NOW)
    assert not is_signed(SECRET, SIGNED, BODY + b" ", now=NOW)
    assert not is_signed(b"another secret of many bytes", SIGNED, BODY, now=NOW)


def test_one_signature_of_several_is_enough() -> None:
    both = {**SIGNED, SIGNATURE: f"v1,AAAA {SIGNED[SIGNATURE]}"}
    assert is_signed(SECRET, both, BODY, now=NOW)
    assert not is_signed(SECRET, {**SIGNED, SIGNATURE: "v1,AAAA " * 9 + SIGNED[SIGNATURE]}, BODY, now=NOW)


@pytest.mark.parametrize("late", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1])
def test_what_was_signed_at_another_time_is_not_believed(late: float) -> None:
    assert not is_signed(SECRET, SIGNED, BODY, now=NOW + late)
    assert is_signed(SECRET, SIGNED, BODY, now=NOW + late / 2)


@given(st.binary(max_size=200), st.text(min_size=1, max_size=20))
def test_whatever_is_signed_is_believed(body: bytes, hook_id: str) -> None:
    hook_id = hook_id.encode("utf-8", "replace").decode()
    assert is_signed(SECRET, signed(SECRET, hook_id, body), body)


@pytest.mark.parametrize(
    "written", ["", "secret", "whsec_", "whsec_????", "whsec_" + base64.b64encode(b"short").decode()]
)
def test_a_secret_is_long_and_written_as_the_standard_says(written: str) -> None:
    with pytest.raises(ValueError, match="must"):
        read_secret(written)
