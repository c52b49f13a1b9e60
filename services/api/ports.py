"""What the API's use cases need from outside: tables, open on one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.api.domain.admission import Room, Target
from services.api.domain.asking import Asked, IdempotencyKey
from services.api.domain.views import BatchView, RunView
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
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed
from shared.messaging.messages import Heard

KeyOfOrg = tuple[int, str]


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
    """What the API shows, kept up to date by events. Every method is guarded: the same event twice changes nothing."""

    async def lock(
        self,
        *,
        org_ids: Collection[int],
        run_ids: Collection[int],
        request_ids: Collection[int],
        account_ids: Collection[int],
    ) -> None:
        """Lock rows of organisations, runs (by their ids or their requests') with their batches, and accounts."""

    async def upsert_orgs(self, heard: Sequence[Heard[OrgUpserted]]) -> None: ...

    async def issue_keys(self, heard: Sequence[Heard[ApiKeyIssued]]) -> None: ...

    async def revoke_keys(self, events: Sequence[ApiKeyRevoked]) -> None: ...

    async def revoke_keys_of_any_org(self, key_ids: Collection[int]) -> None: ...

    async def upsert_agents(self, heard: Sequence[Heard[AgentUpserted]]) -> None: ...

    async def delete_agents(self, heard: Sequence[Heard[AgentDeleted]]) -> None: ...

    async def upsert_numbers(self, heard: Sequence[Heard[PhoneNumberUpserted]]) -> None: ...

    async def delete_numbers(self, heard: Sequence[Heard[PhoneNumberDeleted]]) -> None: ...

    async def take_accounts(
        self, accounts: Sequence[tuple[int, Account]], entries: Sequence[tuple[int, LedgerEntry]]
    ) -> None:
        """Take accounts with a newer version, and entries not seen yet."""

    async def mark_answered(self, request_ids: Collection[int]) -> None:
        """Billing has answered these requests: their estimates do not count any more."""

    async def fail_requests(self, reasons: Mapping[int, str], at: Mapping[int, datetime]) -> None:
        """Fail the queued runs of requests."""

    async def fail_queued(self, reasons: Mapping[int, str], at: Mapping[int, datetime]) -> None:
        """Fail queued runs."""

    async def start(self, events: Sequence[CallStarted]) -> None:
        """Put queued runs in progress, with their calls."""

    async def complete(self, events: Sequence[TestCallCompleted]) -> None:
        """Complete runs and their calls."""

    async def fail(self, events: Sequence[TestCallFailed]) -> None:
        """Fail runs and their calls."""

    async def lose_ends(self, run_ids: Collection[int], at: datetime) -> None:
        """Note runs that have completed, but nobody knows how: billing's word, heard already or not, ends them."""

    async def bill(self, bills: Sequence[tuple[int, int | None, int | None, datetime]]) -> None:
        """Note billing's final word on runs: (run, cents, minutes, at). A charge that could not be read has None."""
