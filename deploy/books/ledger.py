"""Billing's own books: every entry follows from the one before it, and every account from its last entry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy.books.kinds import Finding
from deploy.books.sources import PAGE_ROWS, Row, Sources

# Rows of one organisation are numbered under its account's lock, so their order is the order in which they were true.
ENTRIES = """
SELECT ledger.org_id, ledger.id, kind, amount_cents, debit_account, credit_account, ledger.balance_cents,
       ledger.held_cents, accounts.balance_cents AS account_balance, accounts.held_cents AS account_held,
       extract(epoch FROM clock_timestamp() - created_at) AS age_seconds,
       CASE WHEN kind = 'hold' AND NOT EXISTS (SELECT FROM reservations WHERE reservations.run_id = ledger.run_id)
            THEN amount_cents <> (
                SELECT coalesce(sum(let_go.amount_cents), 0) FROM ledger AS let_go
                WHERE let_go.cause = ledger.cause AND let_go.kind IN ('settle', 'release'))
            ELSE false END AS orphaned
FROM ledger JOIN accounts ON accounts.org_id = ledger.org_id
"""
EVERYBODYS = f"{ENTRIES} WHERE (ledger.org_id, ledger.id) > ($1, $2) ORDER BY ledger.org_id, ledger.id LIMIT $3"
ONE_ORGS = f"{ENTRIES} WHERE ledger.org_id = $1 AND ledger.id > $2 ORDER BY ledger.id LIMIT $3"
WITHOUT_ENTRIES = """
SELECT org_id, balance_cents, held_cents,
       (balance_cents, held_cents) <> (0, 0) AND NOT EXISTS (SELECT FROM ledger WHERE org_id = accounts.org_id) AS wrong
FROM accounts WHERE org_id > $1 ORDER BY org_id LIMIT $2
"""
LAST_ENTRIES = """
SELECT accounts.org_id, accounts.balance_cents, accounts.held_cents,
       coalesce(last.balance_cents, 0) AS last_balance, coalesce(last.held_cents, 0) AS last_held
FROM accounts LEFT JOIN LATERAL (
    SELECT balance_cents, held_cents FROM ledger WHERE org_id = accounts.org_id ORDER BY id DESC LIMIT 1
) AS last ON true
WHERE accounts.org_id > $1 ORDER BY accounts.org_id LIMIT $2
"""


@dataclass
class _Account:
    """An organisation's running totals, and what its account was when the last of its rows was read."""

    org_id: int
    balance_cents: int = 0
    held_cents: int = 0
    account: tuple[int, int] = (0, 0)

    def follow(self, row: Row) -> bool:
        """Take one row; say whether it follows from those before it."""
        balance_change, held_change = _changes(row)
        expected = (self.balance_cents + balance_change, self.held_cents + held_change)
        self.balance_cents, self.held_cents = row["balance_cents"], row["held_cents"]
        self.account = (row["account_balance"], row["account_held"])
        return expected == (self.balance_cents, self.held_cents) and _sides_are_right(row)

    def findings(self) -> Iterator[Finding]:
        """Tell whether the account is what its rows come to."""
        if self.account != (self.balance_cents, self.held_cents):
            yield _otherwise(self.org_id, self.account, (self.balance_cents, self.held_cents))


async def look_at_ledger(sources: Sources, *, recent: bool, org_ids: Sequence[int] = ()) -> list[Finding]:
    """Follow all entries, or those of some organisations; recently: compare accounts with their last entries alone."""
    if not sources.has("billing"):
        return []
    if org_ids:
        followed = [finding for org_id in org_ids for finding in await _follow(sources, ONE_ORGS, org_id)]
        return followed + [finding for finding in await _last_entries(sources) if finding.number in org_ids]
    if recent:
        return await _last_entries(sources)
    return await _follow(sources, EVERYBODYS, 0) + await _accounts_without_entries(sources)


async def _follow(sources: Sources, question: str, org_id: int) -> list[Finding]:
    findings: list[Finding] = []
    account = _Account(org_id)
    at = 0
    while True:
        page = await sources.rows("billing", question, account.org_id, at, PAGE_ROWS)
        for row in page:
            if row["org_id"] != account.org_id:
                findings += account.findings()
                account = _Account(row["org_id"])
            follows = account.follow(row)
            for kind, is_so in (("ledger_broken", not follows), ("hold_without_reservation", row["orphaned"])):
                if is_so:
                    detail = f"entry {row['id']} ({row['kind']})"
                    findings.append(
                        Finding(kind, f"org {account.org_id}", float(row["age_seconds"]), detail, account.org_id)
                    )
        if len(page) < PAGE_ROWS:
            return findings + list(account.findings())
        at = page[-1]["id"]


async def _accounts_without_entries(sources: Sources) -> list[Finding]:
    return [
        _otherwise(row["org_id"], (row["balance_cents"], row["held_cents"]), (0, 0))
        for row in await _all_accounts(sources, WITHOUT_ENTRIES)
        if row["wrong"]
    ]


async def _last_entries(sources: Sources) -> list[Finding]:
    return [
        _otherwise(row["org_id"], (row["balance_cents"], row["held_cents"]), (row["last_balance"], row["last_held"]))
        for row in await _all_accounts(sources, LAST_ENTRIES)
        if (row["balance_cents"], row["held_cents"]) != (row["last_balance"], row["last_held"])
    ]


async def _all_accounts(sources: Sources, question: str) -> list[Row]:
    rows: list[Row] = []
    while True:
        page = await sources.rows("billing", question, rows[-1]["org_id"] if rows else 0, PAGE_ROWS)
        rows += page
        if len(page) < PAGE_ROWS:
            return rows


def _otherwise(org_id: int, account: tuple[int, int], ledger: tuple[int, int]) -> Finding:
    detail = "account {} held {}, ledger {} held {} (cents)".format(*account, *ledger)
    return Finding("account_otherwise", f"org {org_id}", 0.0, detail, org_id)


def _changes(row: Row) -> tuple[int, int]:
    """Return by how much a row changes balance and held funds."""
    cents = row["amount_cents"]
    match row["kind"]:
        case "deposit":
            return cents, 0
        case "adjustment":
            return (-cents if row["credit_account"] == "cash" else cents), 0
        case "hold":
            return 0, cents
        case "settle":
            return -cents, -cents
    return 0, -cents


def _sides_are_right(row: Row) -> bool:
    available, held = f"org:{row['org_id']}:available", f"org:{row['org_id']}:held"
    sides = {
        "deposit": [("cash", available)],
        "adjustment": [("cash", available), (available, "cash")],
        "hold": [(available, held)],
        "settle": [(held, "revenue")],
        "release": [(held, available)],
    }
    return (row["debit_account"], row["credit_account"]) in sides[row["kind"]]
