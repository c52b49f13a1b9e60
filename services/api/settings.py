"""What the API is told from outside."""

from typing import Annotated

from pydantic import Field, field_validator

from services.api.domain.pricing import DEFAULT_PRODUCT, Pricing
from shared.settings.service import Port, ServiceSettings

DEFAULT_TARIFF_CENTS_PER_MINUTE = 8


class ApiSettings(ServiceSettings):
    """Addresses and prices. TARIFFS is JSON: product → cents per minute, with a `default`."""

    api_host: str = "127.0.0.1"
    api_port: Port = 8600
    tariffs: dict[str, Annotated[int, Field(ge=0, le=100_000)]] = Field(
        default_factory=lambda: {DEFAULT_PRODUCT: DEFAULT_TARIFF_CENTS_PER_MINUTE}
    )
    charge_multiplier: Annotated[int, Field(ge=1, le=1_000)] = 2
    held_minutes: Annotated[
        int, Field(ge=1, le=60, description="minutes held for each run; the call ends with them")
    ] = 1

    @field_validator("tariffs")
    @classmethod
    def _has_default(cls, tariffs: dict[str, int]) -> dict[str, int]:
        if DEFAULT_PRODUCT not in tariffs:
            raise ValueError(f"needs a tariff named {DEFAULT_PRODUCT!r}")
        return tariffs

    @property
    def pricing(self) -> Pricing:
        """The price of new runs."""
        return Pricing(self.tariffs, self.charge_multiplier, self.held_minutes)
