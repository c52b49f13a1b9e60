"""A worker's right to hold a call, reckoned so that it is over here before anybody else may think so."""

from services.caller.domain.limits import LEASE_MARGIN_SECONDS, LEASE_SECONDS


class Lease:
    """A lease on a clock that runs on in suspend. Every renewal counts from before it was sent."""

    def __init__(self, asked_at: float) -> None:
        self._until = asked_at + LEASE_SECONDS - LEASE_MARGIN_SECONDS

    def renewed(self, asked_at: float) -> None:
        """Take over a renewal that was sent at `asked_at` and has succeeded."""
        self._until = asked_at + LEASE_SECONDS - LEASE_MARGIN_SECONDS

    def lost(self) -> None:
        """Somebody else has it."""
        self._until = float("-inf")

    def holds(self, now: float) -> bool:
        """Say whether the call may go on."""
        return now < self._until
