"""What the scheduler is told from outside."""

from shared.settings.service import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """The scheduler needs nothing beyond what every service does: limits travel in the directory's events."""
