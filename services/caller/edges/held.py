"""The attempts that this process holds, each under a lease, with the task that runs its call."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.caller import metrics
from services.caller.domain.attempt import Claimed
from services.caller.domain.call_clock import CallClock
from services.caller.domain.lease import Lease


@dataclass(slots=True, eq=False)
class Held:
    """`lasts_seconds` is how long it may take at most, as soon as that is known."""

    claimed: Claimed
    lease: Lease
    clock: CallClock
    lasts_seconds: float = 0.0
    task: asyncio.Task[None] | None = None


class HeldCalls:
    """What is held here. A call may speak while its lease holds, until all are told to be silent."""

    def __init__(self, *, speed: float, now: Callable[[], float]) -> None:
        self._speed = speed
        self._now = now
        self._by_run: dict[int, Held] = {}
        self.silenced = False

    def __len__(self) -> int:
        return len(self._by_run)

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._by_run.values()))

    def take(self, claimed: Claimed, *, asked_at: float) -> Held:
        """Hold a claim under the lease that was asked for at `asked_at`. An earlier claim of the run is over."""
        lease = Lease(asked_at)
        clock = CallClock(self._speed, lambda: not self.silenced and lease.holds(self._now()))
        held = self._by_run[claimed.run_id] = Held(claimed, lease, clock)
        metrics.CALLS_UP.set(len(self))
        return held

    def let_go(self, held: Held) -> None:
        """Hold it no longer."""
        if self._by_run.get(held.claimed.run_id) is held:  # not a later claim of the same run
            del self._by_run[held.claimed.run_id]
        metrics.CALLS_UP.set(len(self))
