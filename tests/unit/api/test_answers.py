"""Answers are written from rows as they are: the contract's timestamps, and funds in dollars."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter

from services.api.edges.http.models.base import Instant
from services.api.edges.http.models.billing import Funds

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (NOW, "2026-01-31T12:00:00.000Z"),
        (NOW.replace(microsecond=999_999), "2026-01-31T12:00:00.999Z"),
        (NOW.replace(microsecond=1_000), "2026-01-31T12:00:00.001Z"),
        (NOW.astimezone(timezone(timedelta(hours=14))), "2026-01-31T12:00:00.000Z"),
        (None, None),
    ],
)
def test_an_instant_is_utc_with_milliseconds(at: datetime | None, written: str | None) -> None:
    assert json.loads(TypeAdapter(Instant | None).dump_json(at)) == written


@pytest.mark.parametrize(
    ("cents", "usd"),
    [(0, "0.00"), (9, "0.09"), (99, "0.99"), (1_234, "12.34"), (50_000, "500.00"), (-5, "-0.05"), (-1_234, "-12.34")],
)
def test_funds_are_written_in_dollars(cents: int, usd: str) -> None:
    row = {"balance_cents": cents, "held_cents": 5, "available_cents": cents - 5, "as_of": NOW}
    assert json.loads(Funds.written(row)) == {
        "currency": "usd",
        **row,
        "balance_usd": usd,
        "as_of": "2026-01-31T12:00:00.000Z",
    }
