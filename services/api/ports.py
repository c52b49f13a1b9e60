"""What the API's use cases and its REST clients need: tables, open on one transaction."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from services.api.domain.admission import Room, Target
from services.api.domain.asking import Asked, IdempotencyKey
from services.api.domain.canceling import OpenRun
from services.api.domain.inbound import RunOfLeg
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
from shared.hooks.inbound_calls import InboundCall
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


class Cancels(Protocol):
    """What cancelling needs."""

    async def lock(self, asked: "Awaited") -> list[OpenRun] | None:
        """Lock the run, or the batch's runs in the order of their ids; return the open ones, None without any."""

    async def mark(self, run_ids: Sequence[int]) -> datetime:
        """Note that runs were asked to end; return when."""


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
        """Add the calls of runs, or write how they and their second legs ended."""

    async def write_recordings(self, runs: Sequence[Run]) -> None:
        """Keep what was told of recordings."""

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

    async def failed_runs(self, batch_id: int) -> Sequence[Shown]:
        """Return the prompts and metadata of a batch's failed runs, in their order."""

    async def calls(self, filters: Filters, place: Place) -> Page:
        """Return a page of calls, the one that was placed last first."""

    async def call(self, call_id: int) -> Shown | None:
        """Return one call."""

    async def transcript(self, call_id: int) -> Shown | None:
        """Return a call's transcript."""

    async def figures(self, call_id: int) -> str | None:
        """Return what was measured in a call, as JSON; None if there is no such call, or nothing yet."""

    async def recording(self, call_id: int) -> tuple[str, str | None] | None:
        """Return the names of a call's recording and of its peaks, None if there is none to be had."""

    async def funds(self) -> Shown:
        """Return balance, held and available funds, and the time."""

    async def entries(self, filters: Filters, place: Place) -> Page:
        """Return a page of ledger entries, newest first."""


class Legs(Protocol):
    """What the inbound webhook needs."""

    async def lock_run(self, run_id: int) -> RunOfLeg | None:
        """Lock a run; return what of it matters to its second leg."""

    async def of_call_id(self, sip_call_id: str) -> tuple[int, int] | None:
        """Return the ids of the call log and of the run that a Call-ID belongs to."""

    async def log(self, run: RunOfLeg, call: InboundCall) -> int:
        """Add a call log under an even id, and link it with its run."""


class Link(Protocol):
    """Links to recordings."""

    def is_ours(self, name: str, expires: str, signature: str) -> bool:
        """Say whether a link was made here and is not over."""


class Shelf(Protocol):
    """The store of recordings, as it is handed out."""

    @property
    def link(self) -> Link:
        """What knows its links again."""

    async def audio(self, name: str) -> tuple[str, datetime] | None:
        """Return a link to a recording and when it ends, None if the recording is not there."""

    async def waveform(self, peaks_name: str) -> bytes | None:
        """Return a recording's peaks as JSON, None if they are not there."""

    def file(self, name: str) -> Path | None:
        """Return a recording's file, None if there is none."""

    @property
    def is_bucket(self) -> bool:
        """Whether recordings are fetched from a bucket itself."""

    def presigned(self, name: str) -> str:
        """Return the bucket's own address of a recording."""


class ReadTimedOut(Transient):
    """A read was broken off: it would have taken others' time."""


class Awaited(NamedTuple):
    """A run or a batch whose end is waited for."""

    kind: Literal["run", "batch"]
    org_id: int
    id: int


class Waits(Protocol):
    """What a GET waits with."""

    @property
    def reads(self) -> "Reads":
        """What those who waited are answered with."""

    async def ended(self, awaited: Awaited, seconds: float) -> None:
        """Wait until it has ended, but not for longer. Raises Overloaded."""


class Reads(Protocol):
    """What the GET endpoints read with."""

    def of(self, org_id: int) -> AbstractAsyncContextManager[Reading]:
        """Open one organisation's view, in its turn. Raises Overloaded or ReadTimedOut, both transient."""
