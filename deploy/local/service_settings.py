"""What the services themselves read from the environment: checked before anything starts, and compared later."""

import os
from typing import Any
from unittest.mock import patch

from deploy.local.settings import Settings
from services.api.settings import ApiSettings
from services.billing.settings import BillingSettings
from services.caller.settings import CallerSettings
from services.scheduler.settings import SchedulerSettings
from shared.settings.reading import read_settings
from shared.settings.service import ServiceSettings

KINDS: dict[str, type[ServiceSettings]] = {
    "api": ApiSettings,
    "scheduler": SchedulerSettings,
    "caller": CallerSettings,
    "billing": BillingSettings,
}
# `make up` gives these itself, from the ports; here they only have to be readable.
GIVEN_BY_US = {
    "DATABASE_URL": "postgresql://127.0.0.1/",
    "KAFKA_BOOTSTRAP": "127.0.0.1",
    "OPS_HOST": "127.0.0.1",
    "OPS_PORT": "1",
    "API_HOST": "127.0.0.1",
    "API_PORT": "1",
}


def read_as_services_do(settings: Settings) -> dict[str, str]:
    """Return the value of every setting that a service reads, the default where none was given.

    Raises SystemExit, one sentence that names the service, for what a service would not start with.
    """
    values: dict[str, str] = {}
    with patch.dict(os.environ, {**settings.values, **GIVEN_BY_US}, clear=True):
        for service, kind in KINDS.items():
            try:
                read = read_settings(kind)
            except SystemExit as wrong:
                raise SystemExit(f"{service} cannot start: {wrong}") from None
            _require_keys(read)
            values |= {name.upper(): _written(getattr(read, name)) for name in kind.model_fields}
    return {name: value for name, value in values.items() if name not in GIVEN_BY_US}


def _require_keys(read: ServiceSettings) -> None:
    """Raise SystemExit for a key of the operator's that is not there: every call would fail, one after the other."""
    for setting in ("bot_api_key_ref", "speech_api_key_ref"):
        kind, _, name = (getattr(read, setting, None) or "").partition(":")
        if kind == "env" and name not in os.environ:
            raise SystemExit(f"caller cannot start: {setting.upper()} names {name}, which is not set")


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
