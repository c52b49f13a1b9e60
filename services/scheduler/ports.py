"""What the scheduler's use cases need: the queue, open on one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.scheduler.domain.run import (
    Answered,
    Arrived,
    Canceled,
    Dispatched,
    Expired,
    NewRequest,
    OrgLimits,
    Outlook,
    Room,
)


class Queue(Protocol):
    """Slots and waiting runs. Changes of one organisation happen under its row lock.

    Seconds that a method returns are those until the first run that it made wait is due, None if it made none wait.
    """

    staggered_runs: Collection[int]
    is_asked_to_give: bool
    is_work_left: bool
    out_of_room: bool

    async def set_limits(self, said: Sequence[OrgLimits]) -> None:
        """Take over organisations' limits."""

    async def lock_orgs(
        self, org_ids: Collection[int] = (), *, run_ids: Collection[int] = (), request_ids: Collection[int] = ()
    ) -> None:
        """Lock organisations, and those of runs and requests, in the order of their ids.

        One that is named and not heard of yet gets the default limits.
        """

    async def find_staggered(self, run_ids: Collection[int]) -> None:
        """Find out which of these belong to batches with a stagger: `staggered_runs`."""

    async def add_requests(self, requests: Sequence[NewRequest]) -> Arrived:
        """Add runs as waiting for funds (ended if their end was heard already), with their requests. Idempotent."""

    def note_funds(self, request_ids: Collection[int], *, reserved: bool) -> None:
        """Note billing's answers for `answer_funds`; the first one about a request counts."""

    async def answer_funds(self, room: int) -> Answered:
        """Apply the answers: dispatch what is due and finds slots and `room` for all, queue or end the rest.

        Of unknown requests a stub is kept.
        """

    async def mark_started(self, started: Mapping[int, datetime]) -> float | None:
        """Note actual starts; a successor is due its stagger after them."""

    async def end(self, run_ids: Collection[int]) -> float | None:
        """End runs, once: free their slots, let successors of those that never started be due after the stagger."""

    async def expire_request(self, request_ids: Collection[int]) -> list[Expired]:
        """End the runs of requests that are not dispatched yet."""

    async def mark_canceled(self, run_ids: Collection[int]) -> None:
        """Note that runs that have not ended are to be canceled."""

    async def expire_canceled(self, run_ids: Collection[int]) -> list[Expired]:
        """End those of these runs that are to be canceled and are not dispatched. Successors are due as after any."""

    async def canceled_up(self, run_ids: Collection[int]) -> list[Canceled]:
        """Return those of these runs that are to be canceled and are dispatched."""

    async def look(self) -> Outlook:
        """See what could be given, after everybody else who gives: until the commit nobody else does."""

    async def dispatch_due(self, outlook: Outlook) -> list[Dispatched]:
        """Give free slots to due runs, fairly, as far as the workers have room."""

    async def dispatch_again(self, run_ids: Collection[int]) -> list[Dispatched]:
        """Dispatch runs once more in the slots that they have, under the next number."""

    async def take_back(self, returned: Mapping[int, int]) -> None:
        """Queue dispatched runs again and free their slots, if no later dispatch than the given one was made."""

    async def note_rooms(self, rooms: Sequence[Room]) -> bool:
        """Note what workers announced; say whether there is another room now than before."""

    async def expire_overdue(self) -> list[Expired]:
        """End the runs that waited for too long."""

    def ask_to_give(self) -> None:
        """Have slots given at the end of this transaction: something is due, or became free."""

    def follow(self, due_in_seconds: float | None) -> None:
        """Have slots given to what is due by now, or let the ticker look when it is; None: nothing waits."""

    def wake_in(self, seconds: float) -> None:
        """Let the ticker look so many seconds after the commit."""
