"""Estimates: held minutes × tariff × multiplier."""

import pytest

from services.api.domain.pricing import Pricing
from services.api.settings import ApiSettings


def test_the_owners_example_costs_sixteen_cents() -> None:
    """A run of 54 s, so of one begun minute, at 8 cents a minute, with multiplier 2."""
    assert Pricing({"default": 8}, charge_multiplier=2, held_minutes=1).estimate_cents("default") == 16


@pytest.mark.parametrize(
    ("product", "multiplier", "minutes", "cents"),
    [("default", 1, 1, 8), ("premium", 2, 1, 50), ("premium", 3, 5, 375), ("free", 2, 9, 0), ("unheard of", 2, 2, 32)],
)
def test_an_estimate_is_minutes_times_tariff_times_multiplier(
    product: str, multiplier: int, minutes: int, cents: int
) -> None:
    pricing = Pricing({"default": 8, "premium": 25, "free": 0}, multiplier, minutes)
    assert pricing.estimate_cents(product) == cents


NEEDED = {"database_url": "postgresql://a/b", "kafka_bootstrap": "a:1", "ops_port": 1}


def a_setting(**fields: object) -> ApiSettings:
    return ApiSettings.model_validate({**NEEDED, **fields})


def test_what_nobody_sets_is_the_owners_example() -> None:
    assert a_setting().pricing == Pricing({"default": 8}, 2, 1)


def test_tariffs_need_a_default() -> None:
    assert a_setting(tariffs={"default": 1, "x": 2}).pricing.estimate_cents("x") == 4
    with pytest.raises(ValueError, match="default"):
        a_setting(tariffs={"premium": 25})
