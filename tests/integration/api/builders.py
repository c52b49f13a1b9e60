"""Organisations and the requests they make. Each organisation has ids of its own, so that tests share a database."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from shared.events.billing import Account, BalanceChanged, EntryKind, LedgerEntry
from shared.events.connection import BuiltinConnection, Connection
from shared.events.directory import AgentUpserted, ApiKeyIssued, OrgUpserted, PhoneNumberUpserted
from shared.events.event import Event

PROMPT = "Ask for the opening hours on Sunday."
_numbers = count(1)
_entries = count(1)


@dataclass
class Org:
    """An organisation with a key and an agent named Ann, and its account as billing keeps it."""

    org_id: int
    agent_id: int
    key: str = field(default_factory=lambda: f"sk_test_{secrets.token_hex(8)}")
    balance_cents: int = 0
    held_cents: int = 0
    version: int = 0

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def account(self) -> Account:
        """The account after one more change."""
        self.version += 1
        return Account(balance_cents=self.balance_cents, held_cents=self.held_cents, version=self.version)

    def entry(self, kind: EntryKind, amount_cents: int, **ids: int | None) -> LedgerEntry:
        """One row of the ledger, made now."""
        whose: dict[str, int | None] = {"run_id": None, "batch_id": None, "call_id": None, **ids}
        self.balance_cents += {"deposit": 1, "adjustment": 1, "settle": -1}.get(kind, 0) * amount_cents
        self.held_cents += {"hold": 1, "settle": -1, "release": -1}.get(kind, 0) * amount_cents
        return LedgerEntry(
            entry_id=next(_entries),
            kind=kind,
            amount_cents=amount_cents,
            balance_cents=self.balance_cents,
            held_cents=self.held_cents,
            created_at=datetime.now(UTC),
            **whose,
        )

    def deposited(self, amount_cents: int) -> BalanceChanged:
        """Billing has taken a deposit."""
        entry = self.entry("deposit", amount_cents)
        return BalanceChanged(org_id=self.org_id, entries=(entry,), account=self.account())

    def adjusted(self, amount_cents: int) -> BalanceChanged:
        """Billing has taken money back, or given some."""
        entry = self.entry("adjustment", amount_cents)
        return BalanceChanged(org_id=self.org_id, entries=(entry,), account=self.account())


def new_org() -> Org:
    """Return an organisation that nobody has heard of."""
    number = 1_000 * next(_numbers)
    return Org(number, number + 1)


def an_org(org: Org, **limits: int) -> list[Event]:
    """What the platform publishes of an organisation."""
    return [
        OrgUpserted(org_id=org.org_id, name=f"org {org.org_id}", **limits),
        a_key(org, org.key),
        an_agent(org),
    ]


def a_key(org: Org, key: str, *, nth: int = 2, kind: Any = "secret") -> ApiKeyIssued:
    """A key of an organisation. `nth` tells its keys apart."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return ApiKeyIssued(org_id=org.org_id, key_id=org.org_id + nth, kind=kind, key_sha256=digest)


def an_agent(
    org: Org, nth: int = 1, name: str = "Ann", connection: Connection | None = None, **fields: str
) -> AgentUpserted:
    """An agent; the first one is the organisation's own. Without a connection it is the demo's."""
    return AgentUpserted(
        org_id=org.org_id, agent_id=org.org_id + nth, name=name, connection=connection or BuiltinConnection(), **fields
    )


def a_number(
    org: Org,
    *,
    inbound: int | None = None,
    outbound: int | None = None,
    nth: int = 500,
    label: str = "Front desk",
    sip_uri: str | None = None,
) -> PhoneNumberUpserted:
    """A phone number; `inbound` and `outbound` are agents' ids."""
    return PhoneNumberUpserted(
        org_id=org.org_id,
        phone_number_id=org.org_id + nth,
        number="+15551230000",
        label=label,
        inbound_agent_id=inbound,
        outbound_agent_id=outbound,
        sip_uri=sip_uri,
    )


def a_call(org: Org, **fields: Any) -> dict[str, Any]:
    """The body of a POST for a single run."""
    return {
        "target_type": "agent",
        "target_id": org.agent_id,
        "direction": "outbound",
        "consent_to_charge": True,
        **fields,
    }


def a_batch(org: Org, run_count: int, **fields: Any) -> dict[str, Any]:
    """The body of a POST for a batch."""
    return {**a_call(org), "run_count": run_count, **fields}


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    """A body that lacks one field."""
    return {key: value for key, value in body.items() if key != name}
