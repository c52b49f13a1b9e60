"""`python -m services.caller`."""

from services.caller.settings import CallerSettings
from services.caller.wiring import wire
from shared.process.service import run_service
from shared.settings.reading import read_settings

settings = read_settings(CallerSettings)
run_service("caller", settings, lambda: wire(settings))
