"""`python -m services.api`."""

from services.api.settings import ApiSettings
from services.api.wiring import wire
from shared.process.service import run_service
from shared.settings.reading import read_settings

settings = read_settings(ApiSettings)
run_service("api", settings, lambda: wire(settings))
