"""Walks through tables of several schemas side by side, by the numbers that they share."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from deploy.books.sources import PAGE_ROWS, Row, Sources

Side = tuple[str, str]  # a query without WHERE, and the column that numbers its rows
Together = dict[int, dict[str, Row]]  # number → schema → its row


async def walk(sources: Sources, sides: Mapping[str, Side], *, after: int = 0) -> AsyncIterator[Together]:
    """Yield all rows with numbers above `after`, joined by number, a page at a time. Every page is read at once."""
    there = {schema: side for schema, side in sides.items() if sources.has(schema)}
    while there:
        pages = await asyncio.gather(*(_page(sources, schema, *side, after) for schema, side in there.items()))
        full = [rows[-1][0] for rows in pages if len(rows) == PAGE_ROWS]
        last = [rows[-1][0] for rows in pages if rows]
        if not last:
            return
        after = min(full) if full else max(last)  # beyond the end of a full page its schema has rows not read yet
        yield _together(there, pages, upto=after)


async def walk_numbers(sources: Sources, sides: Mapping[str, Side], numbers: Sequence[int]) -> AsyncIterator[Together]:
    """Yield the rows of these numbers alone."""
    there = {schema: side for schema, side in sides.items() if sources.has(schema)}
    for first in range(0, len(numbers), PAGE_ROWS):
        some = list(numbers[first : first + PAGE_ROWS])
        pages = await asyncio.gather(
            *(
                sources.rows(schema, f"{query} WHERE {column} = ANY($1::bigint[])", some)
                for schema, (query, column) in there.items()
            )
        )
        yield _together(there, pages, upto=max(some))


async def _page(sources: Sources, schema: str, query: str, column: str, after: int) -> Sequence[Row]:
    return await sources.rows(schema, f"{query} WHERE {column} > $1 ORDER BY {column} LIMIT $2", after, PAGE_ROWS)


def _together(schemas: Mapping[str, Side], pages: Sequence[Sequence[Row]], *, upto: int) -> Together:
    joined: Together = {}
    for schema, rows in zip(schemas, pages, strict=True):
        for row in rows:
            if row[0] <= upto:
                joined.setdefault(row[0], {})[schema] = row
    return joined
