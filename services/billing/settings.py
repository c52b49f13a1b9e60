"""What billing is told from outside."""

from shared.settings.service import ServiceSettings


class BillingSettings(ServiceSettings):
    """Billing needs nothing beyond what every service does: prices travel in the requests."""
