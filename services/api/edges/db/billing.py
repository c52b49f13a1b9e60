"""What billing said, in PostgreSQL: accounts, the ledger, and the calls that it names."""

from collections.abc import Collection
from operator import attrgetter

from services.api.edges.db.columns import Columns
from shared.db.transaction import Transaction
from shared.events.billing import Account, LedgerEntry

_ENTRY = Columns(
    org_id="bigint",
    entry_id="bigint",
    run_id="bigint",
    batch_id="bigint",
    call_id="bigint",
    kind="text",
    amount_cents="bigint",
    balance_cents="bigint",
    held_cents="bigint",
    created_at="timestamptz",
)
_OF_ENTRY = attrgetter(*_ENTRY.columns[1:])
_ADD_MISSING_ENTRIES = f"""
INSERT INTO ledger_entries ({_ENTRY.names}) SELECT * FROM {_ENTRY.unnest} ON CONFLICT DO NOTHING
"""  # noqa: S608 - the columns are those above

_ACCOUNT = Columns(org_id="bigint", balance_cents="bigint", held_cents="bigint", version="bigint")
_TAKE_ACCOUNTS = f"""
INSERT INTO funds ({_ACCOUNT.names}) SELECT * FROM {_ACCOUNT.unnest}
ON CONFLICT (org_id) DO UPDATE
SET balance_cents = excluded.balance_cents, held_cents = excluded.held_cents, version = excluded.version,
    heard_at = clock_timestamp()
WHERE funds.version < excluded.version
"""  # noqa: S608 - the columns are those above


class SqlBilling:
    """Billing's word on one transaction."""

    _transaction: Transaction
    accounts: list[tuple[int, Account]]
    entries: list[tuple[int, LedgerEntry]]

    async def take_accounts(self) -> None:
        newest: dict[int, Account] = {}
        for org_id, account in self.accounts:
            if org_id not in newest or account.version > newest[org_id].version:
                newest[org_id] = account
        if newest:
            rows = [(org_id, one.balance_cents, one.held_cents, one.version) for org_id, one in sorted(newest.items())]
            await self._transaction.run(_TAKE_ACCOUNTS, **_ACCOUNT.arrays(rows))

    async def add_entries(self) -> None:
        """Add entries. As a rule all are new; those of a topic that is heard again are not."""
        new = {entry.entry_id: (org_id, *_OF_ENTRY(entry)) for org_id, entry in self.entries}
        rows = [new[entry_id] for entry_id in sorted(new)]
        if rows and not await self._transaction.copied("ledger_entries", _ENTRY.columns, rows):
            await self._transaction.run(_ADD_MISSING_ENTRIES, **_ENTRY.arrays(rows))

    async def charged_calls(self, run_ids: Collection[int]) -> dict[int, int]:
        rows = await self._transaction.rows(
            """
            SELECT run_id, max(call_id) AS call_id FROM ledger_entries
            WHERE run_id = ANY(CAST(:ids AS bigint[])) AND call_id IS NOT NULL GROUP BY run_id
            """,
            ids=sorted(run_ids),
        )
        return {row.run_id: row.call_id for row in rows}
