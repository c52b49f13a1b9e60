"""The price of a run, fixed when it is accepted."""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_PRODUCT = "default"


@dataclass(frozen=True, slots=True)
class Pricing:
    """Tariffs in cents per minute by product; a product without one costs the default."""

    tariffs: Mapping[str, int]
    charge_multiplier: int
    held_minutes: int

    def tariff_cents_per_minute(self, product: str) -> int:
        """Return the normal price of a minute."""
        return self.tariffs.get(product, self.tariffs[DEFAULT_PRODUCT])

    def estimate_cents(self, product: str) -> int:
        """Return what is held for one run: its held minutes at the multiplied tariff."""
        return self.held_minutes * self.tariff_cents_per_minute(product) * self.charge_multiplier
