"""`python -m services.caller`."""

from services.caller.settings import CallerSettings
from services.caller.wiring import wire
from shared.process.service import run_service

settings = CallerSettings()
run_service("caller", settings, lambda: wire(settings))
