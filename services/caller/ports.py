"""What the caller's use cases need from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.caller.domain.attempt import Claimed, Ended, Failure, GivenUp, Returned
from services.caller.domain.turn import Party
from shared.events.admissions import TestCallDispatched


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A dispatch as it was heard. `number` is None if whoever sent it takes nothing back."""

    event: TestCallDispatched
    number: int | None
    traceparent: str | None


class Attempts(Protocol):
    """Attempts, open on one transaction."""

    async def add(self, dispatches: Sequence[Dispatch]) -> list[Returned]:
        """Add attempts as waiting, once for each dispatch; return those that were given back already."""

    async def add_failed(self, failures: Sequence[Failure]) -> list[GivenUp]:
        """Add attempts that fail at once; return those of runs that nobody has in hand."""

    async def refuse(self, mine: Sequence[tuple[int, UUID]], reason: str) -> list[GivenUp]:
        """Fail attempts that were claimed under these tokens and not dialled."""

    async def give_up_overdue(self) -> list[GivenUp | Returned]:
        """Return what waited too long, fail what was lost after dialling; let others claim what was not dialled."""

    def ask_for_claims(self) -> None:
        """Wake this process's worker after the commit."""


class Stages(Protocol):
    """The three commits of a call. Each is refused (None or False) once somebody else has the attempt."""

    async def dial(self, claimed: Claimed) -> bool:
        """Commit that the first packet may go out: from now on the call is never placed again."""

    async def start(self, claimed: Claimed, dispatch: TestCallDispatched, traceparent: str | None) -> datetime | None:
        """Commit that the call was placed, at the returned instant of the database's clock, and say so."""

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, ended: Ended, traceparent: str | None) -> bool:
        """Commit how the call ended, and say so."""


class Parties(Protocol):
    """Makes the two sides of a call."""

    def bot(self, dispatch: TestCallDispatched) -> Party:
        """Return the test bot that plays the prompt."""

    def agent(self, dispatch: TestCallDispatched) -> Party:
        """Return the agent under test, as its connection says."""
