"""One organisation's account and the double-entry postings that move it.

Four ledger accounts: `cash` (what came in), the organisation's `available` and `held` funds, and `revenue`.
"""

from dataclasses import dataclass
from typing import Literal

from shared.errors import Poison

MAX_BALANCE_CENTS = 10**13

Kind = Literal["deposit", "hold", "settle", "release"]


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


@dataclass(slots=True)
class Account:
    """An account under its row lock. Every method makes one posting, or none for nothing: there is no row of zero."""

    org_id: int
    balance_cents: int
    held_cents: int
    version: int

    @property
    def available_cents(self) -> int:
        """Return what can still be held."""
        return self.balance_cents - self.held_cents

    def deposit(self, deposit_id: str, amount_cents: int) -> list[Posting]:
        """Take money in. Raises Poison over `MAX_BALANCE_CENTS`."""
        if self.balance_cents + amount_cents > MAX_BALANCE_CENTS:
            raise Poison("the deposit would exceed the largest balance that an account can have")
        self.balance_cents += amount_cents
        return self._posting(f"deposit:{self.org_id}:{deposit_id}", "deposit", "cash", self._available, amount_cents)

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


def _run(run_id: int) -> str:
    return f"run:{run_id}"
