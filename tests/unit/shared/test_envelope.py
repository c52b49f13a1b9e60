"""CloudEvents on the wire: what is sealed is opened again, and garbage is poison that is not quoted."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Poison
from shared.events.envelope import header, open_sealed, seal
from shared.events.payments import FundsDeposited
from shared.events.register import BY_EVENT, BY_TYPE
from shared.messaging.outbox import read_headers, write_headers
from tests.support.some_events import completed, declined, expired, failed, requested, reserved, returned, room, started

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PAYMENT = BY_EVENT[FundsDeposited]


@pytest.mark.parametrize(
    "event",
    [requested(1, 2), reserved(1), declined(1), started(1), completed(1), failed(1), expired(1), returned(1), room(7)],
)
def test_what_is_sealed_is_opened_again(event: object) -> None:
    sealed = seal(event, event_id="e", occurred_at=NOW, traceparent=None)  # type: ignore[arg-type]
    type_ = header(sealed.headers, "ce_type")
    assert type_ is not None
    assert open_sealed(BY_TYPE[type_], sealed.value) == event
    assert sealed.key is not None
    assert header(sealed.headers, "ce_specversion") == "1.0"


@given(st.binary(max_size=300))
def test_no_bytes_are_anything_but_an_event_or_poison(value: bytes) -> None:
    with suppress(Poison):
        assert isinstance(open_sealed(PAYMENT, value), FundsDeposited)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"[]",
        b'{"org_id": 1, "deposit_id": "secret-4111", "amount_cents": "100"}',
        b'{"org_id": true, "deposit_id": "secret-4111", "amount_cents": 100}',
        b'{"org_id": 1, "deposit_id": "secret-4111", "amount_cents": 1.5}',
        b'{"org_id": 1, "deposit_id": "secret-4111", "amount_cents": -1}',
        b'{"org_id": 1, "deposit_id": "secret-4111\\u0000", "amount_cents": 1}',
        b'{"org_id": 1, "deposit_id": "secret-4111", "amount_cents": 99999999999999999999}',
        b'{"org_id": 1, "deposit_id": "secret-4111", "amount_cents": 1, "currency": "eur"}',
    ],
)
def test_poison_names_the_field_and_never_quotes_it(value: bytes | None) -> None:
    with pytest.raises(Poison) as poison:
        open_sealed(PAYMENT, value)
    assert "secret-4111" not in str(poison.value)


def test_unknown_keys_are_ignored_so_that_producers_may_add_some() -> None:
    opened = open_sealed(PAYMENT, b'{"org_id": 1, "deposit_id": "d", "amount_cents": 5, "new": {"a": 1}}')
    assert opened == FundsDeposited(org_id=1, deposit_id="d", amount_cents=5)


@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=60)), max_size=8))
def test_headers_pass_through_the_outbox_byte_for_byte(headers: list[tuple[str, bytes]]) -> None:
    assert read_headers(write_headers(headers)) == headers
