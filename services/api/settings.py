"""What the API is told from outside."""

import re
import secrets
from typing import Annotated

from pydantic import Field, field_validator

from services.api.domain.pricing import DEFAULT_PRODUCT, Pricing
from services.api.edges.recordings.links import Links
from shared.hooks.signing import read_secret
from shared.recordings.settings import RecordingSettings
from shared.settings.service import Listed, Port

DEFAULT_TARIFF_CENTS_PER_MINUTE = 8
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
MIN_SECRET_CHARS = 32
MIN_RUNS_KEPT_DAYS = 30  # longer than topics and their dead letters keep what could be said of a run


class ApiSettings(RecordingSettings):
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

    cors_origins: Annotated[Listed, Field(description="origins whose scripts may ask")] = ()
    sip_calls: Annotated[bool, Field(description="callers of this deployment make calls over SIP")] = False
    inbound_webhook_secret: Annotated[str, Field(description="signs what tells of inbound calls")] = ""
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+)?$", description="where clients find the API")] = ""
    recording_url_seconds: Annotated[int, Field(ge=60, le=7 * 86_400)] = 3_600
    recording_url_secret: Annotated[str, Field(description="signs links to recordings; the same in all instances")] = ""
    recordings_kept_days: Annotated[int, Field(ge=1)] | None = None
    runs_kept_days: Annotated[int, Field(ge=MIN_RUNS_KEPT_DAYS)] | None = None

    @field_validator("tariffs")
    @classmethod
    def _has_default(cls, tariffs: dict[str, int]) -> dict[str, int]:
        if DEFAULT_PRODUCT not in tariffs:
            raise ValueError(f"needs a tariff named {DEFAULT_PRODUCT!r}")
        return tariffs

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin such as https://app.example.com (no path, no wildcard)")
        return origins

    @field_validator("inbound_webhook_secret")
    @classmethod
    def _is_a_secret(cls, written: str) -> str:
        if written:
            read_secret(written)
        return written

    @field_validator("recording_url_secret")
    @classmethod
    def _is_long_enough(cls, written: str) -> str:
        if written and len(written) < MIN_SECRET_CHARS:
            raise ValueError(f"must have at least {MIN_SECRET_CHARS} characters")
        return written

    @property
    def links(self) -> Links:
        """Links to recordings. A secret that nobody gave is this process's own."""
        secret = self.recording_url_secret.encode() or secrets.token_bytes(MIN_SECRET_CHARS)
        return Links(secret, self.public_url or f"http://{self.api_host}:{self.api_port}", self.recording_url_seconds)

    @property
    def hook_secret(self) -> bytes | None:
        """What the inbound webhook is signed with, None if it is closed."""
        return read_secret(self.inbound_webhook_secret) if self.inbound_webhook_secret else None

    @property
    def pricing(self) -> Pricing:
        """The price of new runs."""
        return Pricing(self.tariffs, self.charge_multiplier, self.held_minutes)
