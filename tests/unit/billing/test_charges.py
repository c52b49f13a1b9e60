"""`⌈minutes⌉ × tariff × charge_multiplier`, and never more than was held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.reservation import Reservation


def a_reservation(*, tariff_cents: int = 8, multiplier: int = 2, held_minutes: int = 1) -> Reservation:
    return Reservation(
        run_id=1,
        request_id=1,
        org_id=1,
        batch_id=None,
        status="pending",
        held_cents=tariff_cents * multiplier * held_minutes,
        tariff_cents_per_minute=tariff_cents,
        charge_multiplier=multiplier,
        held_minutes=held_minutes,
    )


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 1), (1, 1), (59, 1), (60, 1), (61, 2), (120, 2), (121, 3), (180, 3)]
)
def test_a_begun_minute_is_a_minute(seconds: int, minutes: int) -> None:
    reservation = a_reservation(held_minutes=3)
    assert reservation.billable_minutes(seconds) == minutes
    assert reservation.charge_cents(seconds) == minutes * 8 * 2


def test_a_hang_up_that_came_late_is_ours_to_pay() -> None:
    assert a_reservation(held_minutes=1).charge_cents(61) == 16
    assert a_reservation(held_minutes=1).billable_minutes(61) == 1


def test_the_multiplier_is_the_one_of_the_reservation() -> None:
    assert a_reservation(multiplier=3).charge_cents(1) == 24
    assert a_reservation(tariff_cents=0).charge_cents(1) == 0


@given(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(1, 1000), st.integers(1, 1440))
def test_no_charge_exceeds_its_hold(seconds: int, tariff: int, multiplier: int, minutes: int) -> None:
    reservation = a_reservation(tariff_cents=tariff, multiplier=multiplier, held_minutes=minutes)
    assert 0 <= reservation.charge_cents(seconds) <= reservation.held_cents
