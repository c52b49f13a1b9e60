"""What is held for a run, at the price that was fixed when the run was accepted."""

from dataclasses import dataclass
from typing import Literal

SECONDS_PER_MINUTE = 60

# pending: held, the run goes on. posted: settled. voided: released, or never held.
Status = Literal["pending", "posted", "voided"]
# reserved: all runs are covered. The others are the reasons of a FundsDeclined.
Answer = Literal["reserved", "insufficient_funds", "request_expired", "unreadable_request"]


@dataclass(frozen=True, slots=True)
class Reservation:
    """One run's hold."""

    run_id: int
    request_id: int
    org_id: int
    batch_id: int | None
    status: Status
    held_cents: int
    tariff_cents_per_minute: int
    charge_multiplier: int
    held_minutes: int

    def billable_minutes(self, duration_seconds: int) -> int:
        """Return ⌈minutes⌉, at least 1 and never more than were held: a late hang-up is ours to pay."""
        minutes = -(-duration_seconds // SECONDS_PER_MINUTE)
        return min(max(minutes, 1), self.held_minutes)

    def charge_cents(self, duration_seconds: int) -> int:
        """Return what the call costs the customer."""
        charge = self.billable_minutes(duration_seconds) * self.tariff_cents_per_minute * self.charge_multiplier
        return min(charge, self.held_cents)
