"""What billing said, in PostgreSQL: accounts, the ledger, and the calls that it names."""

from collections.abc import Collection, Mapping, Sequence
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
_ADD_ENTRIES = f"""
INSERT INTO ledger_entries ({_ENTRY.names}) SELECT * FROM {_ENTRY.unnest} ON CONFLICT DO NOTHING
"""  # noqa: S608 - the columns are those above

_ACCOUNT = Columns(org_id="bigint", balance_cents="bigint", held_cents="bigint", version="bigint")
_LOCK_ACCOUNTS = """
SELECT org_id, version FROM funds WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR NO KEY UPDATE
"""
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
    accounts: list[tuple[int, Account, Sequence[LedgerEntry]]]

    async def take_accounts(self) -> None:
        if not self.accounts:
            return
        newest: dict[int, Account] = {}
        for org_id, account, _ in self.accounts:
            if org_id not in newest or account.version > newest[org_id].version:
                newest[org_id] = account
        known = await self._transaction.rows(_LOCK_ACCOUNTS, ids=sorted(newest))
        rows = [(org_id, one.balance_cents, one.held_cents, one.version) for org_id, one in sorted(newest.items())]
        await self._transaction.run(_TAKE_ACCOUNTS, **_ACCOUNT.arrays(rows))
        await self._add_entries({row["org_id"]: row["version"] for row in known})

    async def _add_entries(self, versions: Mapping[int, int]) -> None:
        """Add entries. Those of a version that was not heard, as nearly all are, were not heard either."""
        new: dict[int, Sequence[object]] = {}
        doubtful: dict[int, Sequence[object]] = {}
        for org_id, account, entries in self.accounts:
            into = new if account.version > versions.get(org_id, account.version) else doubtful
            for entry in entries:
                into[entry.entry_id] = (org_id, *_OF_ENTRY(entry))
        await self._transaction.copy("ledger_entries", _ENTRY.columns, list(new.values()))
        if doubtful:
            await self._transaction.run(_ADD_ENTRIES, **_ENTRY.arrays(doubtful.values()))

    async def charged_calls(self, run_ids: Collection[int]) -> dict[int, int]:
        rows = await self._transaction.rows(
            """
            SELECT run_id, max(call_id) AS call_id FROM ledger_entries
            WHERE run_id = ANY(CAST(:ids AS bigint[])) AND call_id IS NOT NULL GROUP BY run_id
            """,
            ids=sorted(run_ids),
        )
        return {row.run_id: row.call_id for row in rows}
