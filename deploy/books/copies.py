"""The api's copies of billing's books: funds and ledger entries."""

from collections.abc import Iterator, Mapping, Sequence

from deploy.books.kinds import Finding
from deploy.books.sources import RECENT, Row, Sources
from deploy.books.walking import Side, Together, walk, walk_numbers

FUNDS: dict[str, Side] = {
    "billing": ("SELECT org_id, balance_cents, held_cents, version FROM accounts", "org_id"),
    "api": (
        """
        SELECT org_id, balance_cents, held_cents, version,
               extract(epoch FROM clock_timestamp() - heard_at) AS age_seconds FROM funds
        """,
        "org_id",
    ),
}
ENTRIES: dict[str, Side] = {
    "billing": (
        """
        SELECT id, org_id, kind, CASE credit_account WHEN 'cash' THEN -amount_cents ELSE amount_cents END AS cents,
               balance_cents, held_cents, extract(epoch FROM clock_timestamp() - created_at) AS age_seconds
        FROM ledger
        """,
        "id",
    ),
    "api": (
        """
        SELECT entry_id, org_id, kind, amount_cents AS cents, balance_cents, held_cents,
               extract(epoch FROM clock_timestamp() - created_at) AS age_seconds
        FROM ledger_entries
        """,
        "entry_id",
    ),
}
COMPARED = ("org_id", "kind", "cents", "balance_cents", "held_cents")


async def look_at_funds(sources: Sources, *, org_ids: Sequence[int] = ()) -> list[Finding]:
    """Compare accounts as the api shows them with billing's."""
    if not sources.has("api", "billing"):
        return []
    pages = walk_numbers(sources, FUNDS, org_ids) if org_ids else walk(sources, FUNDS)
    return [finding async for page in pages for finding in _funds(page)]


async def look_at_entries(sources: Sources, *, recent: bool, entry_ids: Sequence[int] = ()) -> list[Finding]:
    """Compare ledger entries as the api shows them with billing's."""
    if not sources.has("api", "billing"):
        return []
    after = await _last_old_entry(sources) if recent else 0
    pages = walk_numbers(sources, ENTRIES, entry_ids) if entry_ids else walk(sources, ENTRIES, after=after)
    return [finding async for page in pages for finding in _entries(page)]


async def _last_old_entry(sources: Sources) -> int:
    question = "SELECT id FROM ledger WHERE created_at < now() - $1::interval ORDER BY id DESC LIMIT 1"
    rows = await sources.rows("billing", question, RECENT)
    return int(rows[0][0]) if rows else 0


def _funds(page: Together) -> Iterator[Finding]:
    for org_id, sides in page.items():
        account, shown = sides.get("billing"), sides.get("api")
        if account is None and shown is None:
            continue
        known = shown["version"] if shown is not None else 0
        true = account["version"] if account is not None else 0
        if known < true:
            kind = "funds_not_heard"
        elif known > true or _cents(account) != _cents(shown):
            kind = "funds_otherwise"
        else:
            continue
        detail = f"billing: version {true}, {_cents(account)}; api: version {known}, {_cents(shown)} (balance, held)"
        age = float(shown["age_seconds"]) if shown is not None else 0.0
        # The state: while the api goes on hearing newer versions, it is only a little behind.
        yield Finding(kind, f"org {org_id}", age, detail, org_id, known)


def _cents(row: Row | None) -> tuple[int, int]:
    return (row["balance_cents"], row["held_cents"]) if row is not None else (0, 0)


def _entries(page: Together) -> Iterator[Finding]:
    for entry_id, sides in page.items():
        kind = _difference(sides)
        if kind is not None:
            row = sides.get("billing") or sides["api"]
            detail = f"{row['kind']} of org {row['org_id']}"
            yield Finding(kind, f"entry {entry_id}", max(0.0, float(row["age_seconds"])), detail, entry_id)


def _difference(sides: Mapping[str, Row]) -> str | None:
    entry, shown = sides.get("billing"), sides.get("api")
    if shown is None:
        return "entry_not_heard"
    if entry is None or any(entry[name] != shown[name] for name in COMPARED):
        return "entry_otherwise"
    return None
