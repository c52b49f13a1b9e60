"""What `shapes` writes has exactly the keys that the documented schemas have, and the contract's timestamps."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from services.api.edges.http import schemas, shapes

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
    assert shapes.instant(at) == written


@pytest.mark.parametrize(
    ("cents", "usd"), [(0, "0.00"), (9, "0.09"), (99, "0.99"), (1_234, "12.34"), (50_000, "500.00")]
)
def test_funds_are_written_in_dollars_and_available_is_what_is_left(cents: int, usd: str) -> None:
    row = SimpleNamespace(balance_cents=cents, held_cents=5, unanswered_cents=3, at=NOW)
    written = shapes.funds_json(row)
    schemas.Funds.model_validate(written)
    assert (written["balance_usd"], written["available_cents"]) == (usd, cents - 8)
