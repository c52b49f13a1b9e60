"""The attempts that this process holds, each under a lease, with the task that runs its call."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.caller import metrics
from services.caller.domain.attempt import Claimed
from services.caller.domain.call_clock import CallClock
from services.caller.domain.lease import Lease
from services.caller.edges.calls.weighing import Weighing
from shared.events.admissions import TestCallDispatched


class Taken(NamedTuple):
    """An attempt that was taken, and what it is about: as it was heard, or as it was stored while it waited."""

    claimed: Claimed
    dispatch: TestCallDispatched | str

    @property
    def text(self) -> str:
        """The dispatch as it is stored."""
        return self.dispatch if isinstance(self.dispatch, str) else self.dispatch.model_dump_json()


@dataclass(slots=True, eq=False)
class Held:
    """`dial_before` is a moment on the lease's clock; `lasts_seconds` is how long it may take, once that is known.

    `weight`: what it takes of the room.
    """

    taken: Taken
    lease: Lease
    clock: CallClock
    dial_before: float
    weight: int
    lasts_seconds: float = 0.0
    task: asyncio.Task[None] | None = None
    is_canceled: bool = False

    @property
    def claimed(self) -> Claimed:
        """The attempt."""
        return self.taken.claimed


class HeldCalls:
    """What is held here. A call may speak while its lease holds, until all are told to be silent."""

    def __init__(self, *, speed: float, now: Callable[[], float], weigh: Weighing | None = None) -> None:
        self.weigh = weigh or Weighing()
        self._speed = speed
        self._now = now
        self._by_run: dict[int, Held] = {}
        self.silenced = False

    def __len__(self) -> int:
        return len(self._by_run)

    @property
    def weight(self) -> int:
        """What all of them take of the room."""
        return sum(held.weight for held in self._by_run.values())

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._by_run.values()))

    def take(self, taken: Taken, *, asked_at: float) -> Held:
        """Hold an attempt under the lease that was asked for at `asked_at`. An earlier claim of the run is over."""
        claimed, lease = taken.claimed, Lease(asked_at)
        clock = CallClock(self._speed, lambda: not self.silenced and lease.holds(self._now()))
        dial_before = asked_at + claimed.starts_within_seconds
        held = self._by_run[claimed.run_id] = Held(taken, lease, clock, dial_before, self.weigh(taken.dispatch))
        metrics.CALLS_UP.set(len(self))
        return held

    def cancel(self, run_ids: Iterable[int]) -> None:
        """Hang up those of these runs that are held here: they are to be canceled."""
        for run_id in run_ids:
            if (held := self._by_run.get(run_id)) is not None:
                held.is_canceled = True
                held.clock.stop()

    def let_go(self, held: Held) -> None:
        """Hold it no longer."""
        if self._by_run.get(held.claimed.run_id) is held:  # not a later claim of the same run
            del self._by_run[held.claimed.run_id]
        metrics.CALLS_UP.set(len(self))
