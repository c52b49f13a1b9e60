"""`python -m services.billing`."""

from services.billing.settings import BillingSettings
from services.billing.wiring import wire
from shared.process.service import run_service
from shared.settings.reading import read_settings

settings = read_settings(BillingSettings)
run_service("billing", settings, lambda: wire(settings))
