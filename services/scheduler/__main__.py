"""`python -m services.scheduler`."""

from services.scheduler.settings import SchedulerSettings
from services.scheduler.wiring import wire
from shared.process.service import run_service

settings = SchedulerSettings()
run_service("scheduler", settings, lambda: wire(settings))
