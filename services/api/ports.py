"""What the API's use cases and its REST clients need: tables, open on one transaction."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from services.api.domain.admission import Room, Target
from services.api.domain.asking import Asked, IdempotencyKey
from services.api.domain.pages import Page, Place
from services.api.domain.progress import Run
from services.api.domain.transitions import Notes
from services.api.domain.views import BatchView, RunView
from shared.errors import Transient
from shared.events.billing import Account, LedgerEntry
from shared.events.directory import (
    AgentDeleted,
    AgentUpserted,
    ApiKeyIssued,
    ApiKeyRevoked,
    OrgUpserted,
    PhoneNumberDeleted,
    PhoneNumberUpserted,
)
from shared.messaging.messages import Heard

KeyOfOrg = tuple[int, str]
Filters = Mapping[str, Any]
Shown = Mapping[str, Any]


class Desk(Protocol):
    """What admission needs."""

    async def lock_keys(self, keys: Sequence[KeyOfOrg]) -> frozenset[KeyOfOrg]:
        """Lock idempotency keys for this transaction; return those that nobody else holds."""

    async def stored_answers(self, keys: Collection[KeyOfOrg]) -> dict[KeyOfOrg, tuple[bytes, int, bytes]]:
        """Return (fingerprint, status, body) of the keys that were answered within their lifetime."""

    async def find_targets(self, asked: Sequence[Asked]) -> list[Target | None]:
        """Return each one's target as the directory has it."""

    async def rooms(self, org_ids: Collection[int]) -> tuple[dict[int, Room], datetime]:
        """Lock organisations in the order of their ids; return what each has left, and the time."""

    async def numbers(self, *, requests: int, batches: int, runs: int) -> tuple[list[int], list[int], list[int]]:
        """Return new ids."""

    async def add_batches(self, batches: Sequence[tuple[int, int, BatchView]]) -> None:
        """Add batches with their organisation and request."""

    async def add_runs(self, runs: Sequence[tuple[int, int, RunView]]) -> None:
        """Add runs with their organisation and request."""

    async def store_answers(self, answers: Sequence[tuple[int, IdempotencyKey, int, bytes]]) -> None:
        """Remember answers under their organisations' keys."""


class Picture(Protocol):
    """What the API shows, kept up to date by events. Every method is guarded: the same event twice changes nothing.

    What is heard of the directory is written at once; of runs and money it is noted first.
    """

    notes: Notes
    accounts: list[tuple[int, Account, Sequence[LedgerEntry]]]

    async def upsert_orgs(self, heard: Sequence[Heard[OrgUpserted]]) -> None: ...

    async def issue_keys(self, heard: Sequence[Heard[ApiKeyIssued]]) -> None: ...

    async def revoke_keys(self, events: Sequence[ApiKeyRevoked]) -> None: ...

    async def revoke_keys_of_any_org(self, key_ids: Collection[int]) -> None: ...

    async def upsert_agents(self, heard: Sequence[Heard[AgentUpserted]]) -> None: ...

    async def delete_agents(self, heard: Sequence[Heard[AgentDeleted]]) -> None: ...

    async def upsert_numbers(self, heard: Sequence[Heard[PhoneNumberUpserted]]) -> None: ...

    async def delete_numbers(self, heard: Sequence[Heard[PhoneNumberDeleted]]) -> None: ...

    async def take_accounts(self) -> None:
        """Take the noted accounts that have a newer version, and the entries that are not known yet."""

    async def lock_runs(
        self, run_ids: Collection[int], *, declined: Collection[int], answered: Collection[int]
    ) -> list[Run]:
        """Lock runs in the order of their ids: these, all of declined requests, and what of answered ones waits."""

    async def charged_calls(self, run_ids: Collection[int]) -> dict[int, int]:
        """Return which calls of runs the ledger names."""

    async def write_runs(self, runs: Sequence[Run]) -> None:
        """Write what became of runs that are locked."""

    async def write_calls(self, runs: Sequence[Run]) -> None:
        """Add the calls of runs, or write how they ended."""

    async def count_batches(self, batch_ids: Collection[int]) -> None:
        """Count the runs of batches anew."""


class Reading(Protocol):
    """What one organisation sees. What is another's does not exist.

    Rows have the names of the answers' fields. Stored JSON in them is text, and goes out as it is.
    """

    async def runs(self, filters: Filters, place: Place) -> Page:
        """Return a page of runs, newest first."""

    async def run(self, run_id: int) -> Shown | None:
        """Return one run."""

    async def batches(self, filters: Filters, place: Place) -> Page:
        """Return a page of batches, newest first."""

    async def batch(self, batch_id: int) -> Shown | None:
        """Return one batch."""

    async def calls(self, filters: Filters, place: Place) -> Page:
        """Return a page of calls, the one that was placed last first."""

    async def call(self, call_id: int) -> Shown | None:
        """Return one call."""

    async def transcript(self, call_id: int) -> Shown | None:
        """Return a call's transcript."""

    async def funds(self) -> Shown:
        """Return balance, held and available funds, and the time."""

    async def entries(self, filters: Filters, place: Place) -> Page:
        """Return a page of ledger entries, newest first."""


class ReadTimedOut(Transient):
    """A read was broken off: it would have taken others' time."""


class Reads(Protocol):
    """What the GET endpoints read with."""

    def of(self, org_id: int) -> AbstractAsyncContextManager[Reading]:
        """Open one organisation's view, in its turn. Raises Overloaded or ReadTimedOut, both transient."""
