"""Topic `billing-entries`: what billing decided, with the ledger entries made and the account after them."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.event import Event, Part
from shared.events.fields import Cents, Count, Id, Instant, SignedCents
from shared.events.requests import MAX_HELD_MINUTES, MAX_RUNS_OF_A_REQUEST

EntryKind = Literal["deposit", "hold", "settle", "release", "adjustment"]


class LedgerEntry(Part):
    """One row of the ledger as the organisation sees it, with its balance and held funds after the row.

    `amount_cents` is below zero only where an adjustment took money back; so is the balance after it.
    """

    entry_id: Id
    kind: EntryKind
    run_id: Id | None
    batch_id: Id | None
    call_id: Id | None
    amount_cents: SignedCents
    balance_cents: SignedCents
    held_cents: Cents
    created_at: Instant


class Account(Part):
    """The organisation's account after the event. `version` grows with every change; older ones are ignored.

    The balance is below zero when a payment was taken back that was spent already.
    """

    balance_cents: SignedCents
    held_cents: Cents
    version: Count


class FundsReserved(Event):
    """All runs of one request are covered; each holds `held_cents_per_run`."""

    request_id: Id
    org_id: Id
    run_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_RUNS_OF_A_REQUEST)]
    held_cents_per_run: Cents
    entries: tuple[LedgerEntry, ...]
    account: Account


class FundsDeclined(Event):
    """Nothing is held for this request; all its runs fail. Account and organisation are unknown for a dead letter."""

    request_id: Id
    org_id: Id | None
    reason: Literal["insufficient_funds", "request_expired", "unreadable_request"]
    account: Account | None


class ChargeSettled(Event):
    """A completed run was charged; what its hold had left was released in the same transaction."""

    run_id: Id
    org_id: Id
    call_id: Id
    settled_cents: Cents
    released_cents: Cents
    billable_minutes: Annotated[int, Field(strict=True, ge=1, le=MAX_HELD_MINUTES)]
    entries: tuple[LedgerEntry, ...]
    account: Account
    billed_at: Instant


class ReservationReleased(Event):
    """A run that failed or expired costs nothing; its whole hold was released."""

    run_id: Id
    org_id: Id
    call_id: Id | None
    released_cents: Cents
    entries: tuple[LedgerEntry, ...]
    account: Account
    billed_at: Instant


class BalanceChanged(Event):
    """A deposit (or an adjustment) changed the balance."""

    org_id: Id
    entries: Annotated[tuple[LedgerEntry, ...], Field(min_length=1)]
    account: Account
