"""What billing's use cases need: its books, open on one transaction."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from services.billing.domain.account import Account, Posting
from services.billing.domain.reservation import Answer, Reservation, Status
from shared.events.billing import LedgerEntry


class Books(Protocol):
    """Accounts, ledger and reservations. What is read under an account's lock stays true until the commit."""

    async def lock_accounts(self, org_ids: Collection[int]) -> dict[int, Account]:
        """Lock accounts in the order of their ids, opening those that do not exist yet."""

    async def answered(self, request_ids: Collection[int]) -> frozenset[int]:
        """Return which requests have been answered."""

    async def reservations(self, run_ids: Collection[int]) -> dict[int, Reservation]:
        """Return the reservations of runs, as far as there are any."""

    async def ended_early(self, run_ids: Collection[int]) -> frozenset[int]:
        """Return which runs ended before their request was heard."""

    async def payments(self, causes: Collection[str]) -> dict[str, int]:
        """Return the amounts of deposits and adjustments that are posted, by cause."""

    async def refuse_payments(self, *, deposits: int, adjustments: int) -> None:
        """Tell the operators of payments that were not posted: they are in the dead letters."""

    async def note_ended_early(self, run_ids: Collection[int]) -> None:
        """Remember that runs ended before their request was heard. Idempotent."""

    async def note_answers(self, answers: Mapping[int, Answer]) -> None:
        """Remember how requests were answered."""

    async def open_reservations(self, reservations: Sequence[Reservation]) -> None:
        """Add reservations."""

    async def close_reservations(self, outcomes: Mapping[int, Status]) -> None:
        """Move pending reservations to `posted` or `voided`, by run."""

    async def post(
        self, postings: Sequence[Sequence[Posting]], accounts: Collection[Account]
    ) -> list[tuple[LedgerEntry, ...]]:
        """Write postings and accounts; return the entries, grouped as the postings were."""
