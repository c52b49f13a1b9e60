"""`python -m services.api`."""

from services.api.settings import ApiSettings
from services.api.wiring import wire
from shared.process.service import run_service

settings = ApiSettings()
run_service("api", settings, lambda: wire(settings))
