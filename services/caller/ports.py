"""What the caller's use cases need from outside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.caller.domain.attempt import Claimed, Ended, Failure, GivenUp, Returned
from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Conversation
from services.caller.domain.sound import Kept, Sound
from services.caller.domain.turn import Party
from shared.events.admissions import TestCallDispatched


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A dispatch as it was heard. `number` is None if whoever sent it takes nothing back."""

    event: TestCallDispatched
    number: int | None
    traceparent: str | None


class Arrivals(Protocol):
    """The way in, open on one transaction."""

    async def add(self, dispatches: Sequence[Dispatch]) -> list[Returned]:
        """Take dispatches while there is room, let the rest wait, each once; return those given back already."""

    async def cancel(self, run_ids: Collection[int]) -> list[GivenUp]:
        """Fail what waits, have hung up what somebody holds, here after the commit; return what failed."""

    async def add_failed(self, failures: Sequence[Failure]) -> list[GivenUp]:
        """Add attempts that fail at once; return those of runs that nobody has in hand."""


class Attempts(Protocol):
    """Attempts, open on one transaction."""

    async def refuse(self, mine: Sequence[tuple[int, UUID]], reason: str) -> list[GivenUp]:
        """Fail attempts that were claimed under these tokens and not dialled."""

    async def give_up_overdue(self) -> list[GivenUp | Returned]:
        """Return what waited too long, fail what was lost after it was taken."""


class Stages(Protocol):
    """What is committed of a call after it was taken; whoever has lost the attempt changes nothing."""

    async def start(
        self, claimed: Claimed, dispatch: TestCallDispatched, answered_at: float, traceparent: str | None
    ) -> bool:
        """Commit that the call was answered, and say so, in a while; return False if somebody else has the attempt.

        Given up by whoever waits for it, it is left to `end`, which says the start as well where nobody has yet.
        """

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, ended: Ended, traceparent: str | None) -> bool:
        """Commit how the call ended, and say so; return False if somebody else has the attempt."""

    async def put_back(self, claimed: Claimed, dispatch: TestCallDispatched) -> None:
        """Let others claim what was not dialled."""


class Parties(Protocol):
    """Makes the two sides of a call."""

    def bot(self, dispatch: TestCallDispatched) -> Party:
        """Return the test bot that plays the prompt."""

    def agent(self, dispatch: TestCallDispatched) -> Party:
        """Return the agent under test, as its connection says."""


class Call(Protocol):
    """One call, in text or with sound, from its placing. Whoever cuts it, and whenever: `cut` says what it came to."""

    @property
    def contacted(self) -> bool:
        """Whether the agent may have heard of it."""

    async def place(self) -> None:
        """Make the first contact. Raises PartyError if nobody answers, LeaseLost."""

    async def hold(self) -> Conversation:
        """Talk until it ends. Raises PartyError when a party cannot go on, LeaseLost when it must be silent."""

    def cut(self, sentence: str) -> Conversation:
        """Return what was said until now, of a call that cannot go on."""

    async def close(self) -> Sound | Kept | None:
        """Give back all that it holds, whatever became of it; return what is known of its sound. Never raises.

        Of a call in text that is its recording, if that.
        """


class Calls(Protocol):
    """Makes calls."""

    def call(self, claimed: Claimed, dispatch: TestCallDispatched, clock: CallClock, traceparent: str | None) -> Call:
        """Return the call that was asked for. Nobody hears of it yet. Never raises."""
