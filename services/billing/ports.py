"""What billing's use cases need: its books, open on one transaction."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from services.billing.domain.account import Account, Posting
from services.billing.domain.reservation import Answer, Reservation
from shared.events.billing import LedgerEntry
from shared.events.event import Event
from shared.messaging.messages import Say

Tell = Callable[[tuple[LedgerEntry, ...], datetime], Event]


class Books(Protocol):
    """Accounts, ledger and reservations, as far as a poll is about them.

    What is read under an account's lock stays true until the commit. Use cases change it in memory, one after the
    other; `write` ends the poll: each row is written once, however many of the poll's records are about it.
    """

    async def lock_accounts(self, org_ids: Collection[int]) -> None:
        """Lock accounts in the order of their ids, opening those that do not exist yet."""

    async def read_requests(self, request_ids: Collection[int], run_ids: Collection[int]) -> None:
        """Read which requests were answered, and which runs ended before their request was heard."""

    async def read_reservations(self, run_ids: Collection[int]) -> None:
        """Read the reservations of runs, and lock their accounts."""

    async def payments(self, causes: Collection[str]) -> dict[str, int]:
        """Return the amounts of deposits and adjustments that are posted, by cause."""

    def account(self, org_id: int) -> Account:
        """Return an account that is locked. Whoever changes it counts its version up."""

    def is_answered(self, request_id: int) -> bool:
        """Say whether a request that was read has been answered."""

    def has_ended(self, run_id: int) -> bool:
        """Say whether a run that was read ended before its request was heard."""

    def reservation(self, run_id: int) -> Reservation | None:
        """Return a reservation as it is now, None if it was read and is not there."""

    def answer(self, request_id: int, answer: Answer) -> None:
        """Remember how a request was answered."""

    def note_ended_early(self, run_id: int) -> None:
        """Remember that a run ended before its request was heard. Idempotent."""

    def open(self, reservation: Reservation) -> None:
        """Add a reservation. One that is there already makes `write` fail."""

    def close(self, reservation: Reservation) -> None:
        """Move a reservation from pending to `posted` or `voided`."""

    def post(self, postings: Sequence[Posting], tell: Tell, traceparent: str | None) -> None:
        """Add postings. `tell` makes the event of them from their entries and the time when they are written."""

    def refuse_payments(self, *, deposits: int, adjustments: int) -> None:
        """Tell the operators of payments that were not posted: they are in the dead letters."""

    async def write(self) -> list[Say]:
        """Write what was changed, and return what is to be said, in the order in which it happened."""
