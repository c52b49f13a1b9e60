"""Funds and ledger entries, and the query of their list. Source: contract, money."""

from typing import Literal

from pydantic import AliasChoices, Field

from services.api.edges.http.models.base import Answer, Cents, Id, Instant, Wrapped
from services.api.edges.http.models.query import ABSENT, IdFilter, PageQuery
from shared.events.billing import EntryKind


def _dollars(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


class Funds(Answer):
    """An organisation's funds. Available = balance − held − estimates that billing has not answered yet."""

    currency: Literal["usd"] = "usd"
    balance_cents: Cents
    held_cents: Cents
    available_cents: Cents
    balance_usd: str = Field(default_factory=lambda funds: _dollars(funds["balance_cents"]))
    as_of: Instant


class LedgerEntry(Answer):
    """One ledger entry, with balance and held funds after it."""

    id: Id = Field(validation_alias=AliasChoices("entry_id", "id"))
    run_id: Id | None
    batch_id: Id | None
    call_id: Id | None
    kind: EntryKind
    amount_cents: Cents
    balance_cents: Cents
    held_cents: Cents
    created_at: Instant


class LedgerEntryPage(Wrapped[LedgerEntry]):
    """A page of ledger entries."""


class EntryQuery(PageQuery):
    """Filters of ledger entries."""

    run_id: IdFilter = ABSENT
    kind: EntryKind = ABSENT
