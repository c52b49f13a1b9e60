"""Pages of a list by its key: SQL of the filters that were given, a bounded count, and where the next page begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.api.domain.pages import Key, Page, Place
from services.api.edges.db.floors import Floors
from shared.db.transaction import Row, Transaction

MAX_EXACT_COUNT = 10_000  # beyond, a count is a floor: counting everything would cost more than the page

Branch = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list. `key` is its order, the newest first; the last column of it is the table's primary key."""

    table: str
    key: tuple[str, ...]
    columns: str
    joins: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Filters as branches that exclude each other: of each, the first rows are the first entries of some index."""

    branches: Sequence[Branch]
    values: Mapping[str, Any] = field(default_factory=dict)


async def read_page(
    transaction: Transaction, listing: Listing, asked: Asked, place: Place, org_id: int, floors: Floors
) -> Page:
    """Return a page of one organisation's list."""
    if not asked.branches:
        return Page((), 0, True, None, None)
    rows = list(
        await transaction.rows(
            page_statement(listing, asked.branches, place),
            org_id=org_id,
            rows=place.limit + 1,
            upto=place.limit + 1 + place.offset,
            offset=place.offset,
            **{f"key_{nth}": part for nth, part in enumerate(place.key or ())},
            **asked.values,
        )
    )
    goes_on = len(rows) > place.limit
    if goes_on:
        del rows[0 if place.backwards else -1]
    first, last = (_key(listing, rows[0]), _key(listing, rows[-1])) if rows else (None, None)
    next_key = last if goes_on or place.backwards else None
    prev_key = first if (goes_on if place.backwards else place.key is not None) else None
    if place.key is None and not goes_on and (rows or place.offset == 0):
        return Page(rows, place.offset + len(rows), True, next_key, prev_key)
    total, is_exact = await _count(transaction, listing, asked, org_id, floors)
    return Page(rows, total, is_exact, next_key, prev_key)


async def _count(
    transaction: Transaction, listing: Listing, asked: Asked, org_id: int, floors: Floors
) -> tuple[int, bool]:
    statement = count_statement(listing, asked.branches)
    same = (org_id, statement, *asked.values.items())
    if floors.knows(same):
        return MAX_EXACT_COUNT, False
    counted = await transaction.value(statement, org_id=org_id, **asked.values)
    if counted <= MAX_EXACT_COUNT:
        return counted, True
    floors.note(same)
    return MAX_EXACT_COUNT, False


def page_statement(listing: Listing, branches: Sequence[Branch], place: Place) -> str:
    """Return the SQL of a page: keys from the indexes first, then the rows of those alone."""
    direction = "ASC" if place.backwards else "DESC"
    beyond: Branch = ()
    if place.key is not None:
        names = ", ".join(f":key_{nth}" for nth in range(len(listing.key)))
        beyond = (f"({', '.join(listing.key)}) {'>' if place.backwards else '<'} ({names})",)
    found = _found(listing, [branch + beyond for branch in branches], direction, ":upto")
    return f"""
        SELECT {listing.columns} FROM (
            SELECT {", ".join(listing.key)} FROM ({found}) AS found
            ORDER BY {_order(listing.key, direction)} LIMIT :rows OFFSET :offset
        ) AS page JOIN {listing.table} USING ({listing.key[-1]}) {listing.joins}
        ORDER BY {_order([f"page.{column}" for column in listing.key], "DESC")}
    """  # noqa: S608 - names of this package; values are parameters


def count_statement(listing: Listing, branches: Sequence[Branch]) -> str:
    """Return the SQL of a count up to one more than is counted exactly.

    The oldest rows first: what has settled long ago is counted in the index alone.
    """
    most = str(MAX_EXACT_COUNT + 1)
    found = _found(listing, branches, "ASC", most)
    return f"SELECT count(*) FROM (SELECT FROM ({found}) AS found LIMIT {most}) AS counted"  # noqa: S608


def _found(listing: Listing, branches: Sequence[Branch], direction: str, limit: str) -> str:
    order = _order(listing.key, direction)
    return " UNION ALL ".join(
        f"(SELECT {', '.join(listing.key)} FROM {listing.table} WHERE {' AND '.join(('org_id = :org_id', *branch))}"  # noqa: S608
        f" ORDER BY {order} LIMIT {limit})"
        for branch in branches
    )


def _order(columns: Sequence[str], direction: str) -> str:
    return ", ".join(f"{column} {direction}" for column in columns)


def _key(listing: Listing, row: Row) -> Key:
    return tuple(row[column] for column in listing.key)
