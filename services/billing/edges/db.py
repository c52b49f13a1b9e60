"""Billing's books on one transaction: read once, changed in memory, written once."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from services.billing import metrics
from services.billing.domain.account import Account, Posting
from services.billing.domain.reservation import Answer, Reservation
from services.billing.edges import statements
from services.billing.ports import Tell
from shared.db.transaction import Transaction
from shared.events.billing import LedgerEntry
from shared.messaging.messages import Say


class SqlBooks:
    """Books of one poll. What begins with `_read` is as it was read, beside it what became of it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._accounts: dict[int, Account] = {}
        self._read_versions: dict[int, int] = {}
        self._reservations: dict[int, Reservation | None] = {}
        self._read_reservations: dict[int, Reservation] = {}
        self._opened: set[int] = set()
        self._answers: dict[int, Answer] = {}
        self._read_answered: set[int] = set()
        self._ended_early: set[int] = set()
        self._read_ended: set[int] = set()
        self._posted: list[tuple[Sequence[Posting], Tell, str | None]] = []

    async def lock_accounts(self, org_ids: Collection[int]) -> None:
        ids = sorted(set(org_ids) - self._accounts.keys())
        if ids:
            accounts = await statements.lock_accounts(self._transaction, ids)
            self._accounts.update(accounts)
            self._read_versions.update({org_id: account.version for org_id, account in accounts.items()})

    async def read_requests(self, request_ids: Collection[int], run_ids: Collection[int]) -> None:
        answered, ended = await statements.answered_and_ended(self._transaction, request_ids, run_ids)
        self._read_answered.update(answered)
        self._read_ended.update(ended)

    async def read_reservations(self, run_ids: Collection[int]) -> None:
        ids = set(run_ids) - self._reservations.keys()
        if not ids:
            return
        found = await statements.reservations(self._transaction, ids)
        strangers = {one.org_id for one in found.values()} - self._accounts.keys()
        if strangers:
            await self.lock_accounts(strangers)
            found = await statements.reservations(self._transaction, ids)  # as they are under the lock
        self._read_reservations.update(found)
        self._reservations.update({run_id: found.get(run_id) for run_id in ids})

    async def payments(self, causes: Collection[str]) -> dict[str, int]:
        return await statements.payments(self._transaction, causes)

    def account(self, org_id: int) -> Account:
        return self._accounts[org_id]

    def is_answered(self, request_id: int) -> bool:
        return request_id in self._read_answered or request_id in self._answers

    def has_ended(self, run_id: int) -> bool:
        return run_id in self._read_ended

    def reservation(self, run_id: int) -> Reservation | None:
        return self._reservations[run_id]

    def answer(self, request_id: int, answer: Answer) -> None:
        self._answers[request_id] = answer

    def note_ended_early(self, run_id: int) -> None:
        self._ended_early.add(run_id)

    def open(self, reservation: Reservation) -> None:
        self._opened.add(reservation.run_id)
        self.close(reservation)

    def close(self, reservation: Reservation) -> None:
        self._reservations[reservation.run_id] = reservation

    def post(self, postings: Sequence[Posting], tell: Tell, traceparent: str | None) -> None:
        self._posted.append((postings, tell, traceparent))

    def refuse_payments(self, *, deposits: int, adjustments: int) -> None:
        metrics.PAYMENTS_REFUSED.labels("deposit").inc(deposits)
        metrics.PAYMENTS_REFUSED.labels("adjustment").inc(adjustments)

    async def write(self) -> list[Say]:
        await statements.note_ended_early(self._transaction, self._ended_early)
        if not self._posted:
            return []
        accounts = [one for one in self._accounts.values() if one.version != self._read_versions[one.org_id]]
        postings = [posting for made, _, _ in self._posted for posting in made]
        ids, at = await statements.write_accounts(self._transaction, accounts, entries=len(postings))
        await statements.add_entries(self._transaction, postings, ids, at)
        await statements.add_answers(self._transaction, self._answers, at)
        now = [one for one in self._reservations.values() if one is not None]
        opened = [one for one in now if one.run_id in self._opened]
        before = self._read_reservations
        closed = [one for one in now if one.run_id not in self._opened and one is not before[one.run_id]]
        await statements.add_reservations(self._transaction, opened, at)
        await statements.close_reservations(self._transaction, closed)
        self._count(postings)
        return list(self._say(ids, at))

    def _count(self, postings: Sequence[Posting]) -> None:
        for one in postings:
            metrics.ENTRIES.labels(one.kind).inc()
            if one.kind == "settle":
                metrics.SETTLED_CENTS.inc(one.amount_cents)
        for answer in self._answers.values():
            if answer != "reserved":
                metrics.DECLINED.labels(answer).inc()

    def _say(self, ids: Sequence[int], at: datetime) -> Iterator[Say]:
        number = iter(ids)
        for postings, tell, traceparent in self._posted:
            yield Say(tell(tuple(_entry(next(number), one, at) for one in postings), at), traceparent)


def _entry(entry_id: int, posting: Posting, at: datetime) -> LedgerEntry:
    return LedgerEntry(
        entry_id=entry_id,
        kind=posting.kind,
        run_id=posting.run_id,
        batch_id=posting.batch_id,
        call_id=posting.call_id,
        amount_cents=posting.signed_cents,
        balance_cents=posting.balance_cents,
        held_cents=posting.held_cents,
        created_at=at,
    )
