"""A worker's right to hold a call, reckoned so that it is over here before anybody else may think so."""

from dataclasses import dataclass
from math import inf
from uuid import UUID

from services.caller.domain.limits import LEASE_MARGIN_SECONDS, LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a worker asks for: so many seconds from now. `talked_ms` is how far its call has come."""

    run_id: int
    token: UUID
    seconds: float
    talked_ms: int


@dataclass(frozen=True, slots=True)
class Renewed:
    """Runs that are still this worker's: those whose lease was extended, and those that were locked just then.

    Those that are to be canceled are to be hung up.
    """

    extended: frozenset[int]
    locked: frozenset[int]
    canceled: frozenset[int] = frozenset()


class Lease:
    """A lease on a clock that runs on in suspend. Every renewal counts from before it was sent.

    It never reaches beyond the run's last moment, so that a run whose worker dies just before that is found as early as
    every other. After it the call is silent; what is left to the worker is to write down how it ended.
    """

    def __init__(self, asked_at: float) -> None:
        self._last_moment = inf
        self._until = asked_at + LEASE_SECONDS - LEASE_MARGIN_SECONDS

    def ends_with(self, last_moment: float) -> None:
        """Bound the lease."""
        self._last_moment = last_moment

    def seconds_to_ask_for(self, now: float) -> float:
        """Return how long a renewal that is sent now may last."""
        left_seconds = self._last_moment - now
        return min(LEASE_SECONDS, left_seconds) if left_seconds > 0 else LEASE_SECONDS

    def renewed(self, asked_at: float) -> None:
        """Take over a renewal that was sent at `asked_at` and has succeeded."""
        self._until = asked_at + LEASE_SECONDS - LEASE_MARGIN_SECONDS

    def lost(self) -> None:
        """Somebody else has it."""
        self._until = -inf

    def holds(self, now: float) -> bool:
        """Say whether the call may go on."""
        return now < min(self._until, self._last_moment - LEASE_MARGIN_SECONDS)
