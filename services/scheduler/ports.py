"""What the scheduler's use cases need: the queue, open on one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.scheduler.domain.run import Dispatched, Expired, NewRun, OrgLimits, Room


class Queue(Protocol):
    """Slots and waiting runs. Changes of one organisation happen under its row lock."""

    async def set_limits(self, limits: Sequence[OrgLimits]) -> None:
        """Take over organisations' limits."""

    async def lock_orgs(self, org_ids: Collection[int]) -> None:
        """Lock organisations in the order of their ids; one not heard of yet gets the default limits."""

    async def lock_orgs_of(self, *, run_ids: Collection[int] = (), request_ids: Collection[int] = ()) -> None:
        """Lock the organisations of runs, and of requests, in the order of their ids."""

    async def add_runs(self, runs: Sequence[NewRun], payloads: Mapping[int, str]) -> None:
        """Add runs as waiting for funds (ended if their end was heard already), with their requests. Idempotent."""

    async def take_funds_stubs(self, request_ids: Collection[int]) -> dict[int, bool]:
        """Return and forget the answers that came before their request: request → reserved?"""

    async def answer_funds(self, answers: Mapping[int, bool]) -> None:
        """Queue the waiting runs of reserved requests, end those of declined ones; keep a stub for unknown requests."""

    async def mark_started(self, started: Mapping[int, datetime]) -> None:
        """Note actual starts; a successor is due its stagger after them."""

    async def end(self, run_ids: Collection[int]) -> None:
        """End runs, once: free their slots, let successors of those that never started be due after the stagger."""

    async def expire_request(self, request_ids: Collection[int]) -> list[Expired]:
        """End the runs of requests that are not dispatched yet."""

    async def dispatch_due(self) -> list[Dispatched]:
        """Give free slots to due runs, fairly, as far as the workers have room."""

    async def dispatch_again(self, run_ids: Collection[int]) -> list[Dispatched]:
        """Dispatch runs once more in the slots that they have, under the next number."""

    async def take_back(self, returned: Mapping[int, int]) -> None:
        """Queue dispatched runs again and free their slots, if no later dispatch than the given one was made."""

    async def note_rooms(self, rooms: Sequence[Room]) -> bool:
        """Note what workers announced; say whether there is another room now than before."""

    async def expire_overdue(self) -> list[Expired]:
        """End the runs that waited for too long."""

    def ask_for_tick(self) -> None:
        """Wake the ticker after the commit."""
