"""`python -m services.scheduler`."""

from services.scheduler.settings import SchedulerSettings
from services.scheduler.wiring import wire
from shared.process.service import run_service
from shared.settings.reading import read_settings

settings = read_settings(SchedulerSettings)
run_service("scheduler", settings, lambda: wire(settings))
