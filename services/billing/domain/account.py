"""One organisation's account and the double-entry postings that move it.

Four ledger accounts: `cash` (what came in), the organisation's `available` and `held` funds, and `revenue`.
"""

from dataclasses import dataclass, replace
from typing import Literal

from shared.errors import Poison

MAX_BALANCE_CENTS = 10**13

Kind = Literal["deposit", "hold", "settle", "release", "adjustment"]

CASH = "cash"


@dataclass(frozen=True, slots=True)
class Posting:
    """One row of the ledger, before it has an id. Balances are those after the row."""

    org_id: int
    cause: str
    kind: Kind
    debit_account: str
    credit_account: str
    amount_cents: int
    run_id: int | None
    batch_id: int | None
    call_id: int | None
    balance_cents: int
    held_cents: int
    reason: str | None = None

    @property
    def signed_cents(self) -> int:
        """Return the amount as the organisation sees it: below zero where an adjustment took money back."""
        return -self.amount_cents if self.kind == "adjustment" and self.credit_account == CASH else self.amount_cents


@dataclass(slots=True)
class Account:
    """An account under its row lock. Every method makes one posting, or none for nothing: there is no row of zero.

    `taken_back_cents` is the sum of all adjustments below zero: by no more than that may held funds exceed the balance.
    """

    org_id: int
    balance_cents: int
    held_cents: int
    version: int
    taken_back_cents: int = 0

    @property
    def available_cents(self) -> int:
        """Return what can still be held: nothing, if a payment was taken back that is held or spent already."""
        return self.balance_cents - self.held_cents

    def deposit(self, deposit_id: str, amount_cents: int) -> list[Posting]:
        """Take money in. Raises Poison over `MAX_BALANCE_CENTS`."""
        if self.balance_cents + amount_cents > MAX_BALANCE_CENTS:
            raise Poison("the deposit would exceed the largest balance that an account can have")
        self.balance_cents += amount_cents
        return self._posting(deposit_cause(self.org_id, deposit_id), "deposit", CASH, self._available, amount_cents)

    def adjust(self, adjustment_id: str, amount_cents: int, reason: str) -> list[Posting]:
        """Give money, or take it back, whether it is there or not: what was spent of it is then owed.

        What is held stays held, so that calls that are up are paid for. Raises Poison over `MAX_BALANCE_CENTS`.
        """
        owed_cents = -(self.available_cents + amount_cents)  # once all that is held has been charged
        if self.balance_cents + amount_cents > MAX_BALANCE_CENTS or owed_cents > MAX_BALANCE_CENTS:
            raise Poison("the adjustment would exceed the largest balance that an account can have")
        self.balance_cents += amount_cents
        self.taken_back_cents += max(-amount_cents, 0)
        sides = (CASH, self._available) if amount_cents > 0 else (self._available, CASH)
        made = self._posting(adjustment_cause(self.org_id, adjustment_id), "adjustment", *sides, abs(amount_cents))
        return [replace(one, reason=reason) for one in made]

    def hold(self, run_id: int, batch_id: int | None, amount_cents: int) -> list[Posting]:
        """Set funds aside for a run. The caller has looked that they are available."""
        self.held_cents += amount_cents
        return self._posting(_run(run_id), "hold", self._available, self._held, amount_cents, run_id, batch_id)

    def settle(self, run_id: int, batch_id: int | None, call_id: int, amount_cents: int) -> list[Posting]:
        """Charge held funds."""
        self.balance_cents -= amount_cents
        self.held_cents -= amount_cents
        return self._posting(_run(run_id), "settle", self._held, "revenue", amount_cents, run_id, batch_id, call_id)

    def release(self, run_id: int, batch_id: int | None, call_id: int | None, amount_cents: int) -> list[Posting]:
        """Give held funds back."""
        self.held_cents -= amount_cents
        return self._posting(
            _run(run_id), "release", self._held, self._available, amount_cents, run_id, batch_id, call_id
        )

    @property
    def _available(self) -> str:
        return f"org:{self.org_id}:available"

    @property
    def _held(self) -> str:
        return f"org:{self.org_id}:held"

    def _posting(
        self,
        cause: str,
        kind: Kind,
        debit_account: str,
        credit_account: str,
        amount_cents: int,
        run_id: int | None = None,
        batch_id: int | None = None,
        call_id: int | None = None,
    ) -> list[Posting]:
        if amount_cents == 0:
            return []
        after = (self.balance_cents, self.held_cents)
        return [
            Posting(
                self.org_id, cause, kind, debit_account, credit_account, amount_cents, run_id, batch_id, call_id, *after
            )
        ]


def deposit_cause(org_id: int, deposit_id: str) -> str:
    """Name what a deposit's entry comes from: two organisations may have deposits of one id."""
    return f"deposit:{org_id}:{deposit_id}"


def adjustment_cause(org_id: int, adjustment_id: str) -> str:
    """Name what an adjustment's entry comes from."""
    return f"adjustment:{org_id}:{adjustment_id}"


def _run(run_id: int) -> str:
    return f"run:{run_id}"
