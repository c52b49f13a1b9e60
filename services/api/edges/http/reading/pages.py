"""Pages of lists: which one is asked for, its rows, its count and RFC 8288 links."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.db.paging import Listing, Page, Place
from services.api.edges.http.answers import json_bytes
from services.api.edges.http.reading.cursor import WrongCursor, bound_to, read_cursor, write_cursor
from services.api.edges.http.reading.query import PAGE, Reader, WrongQuery, read_query

Write = Callable[[Any], bytes]

ROWS_AT_ONCE = 10  # less than a millisecond


@dataclass(frozen=True, slots=True)
class AskedPage:
    """What a query string asks for; `bound` is what its cursors are bound to."""

    filters: Mapping[str, Any]
    place: Place
    bound: str


def asked_page(request: Request, readers: Mapping[str, Reader], listing: Listing) -> AskedPage:
    """Read a list's query. Raises WrongQuery."""
    values = read_query(request.scope["query_string"], readers)
    filters = {name: value for name, value in values.items() if name not in PAGE}
    bound = bound_to(request.state.org_id, request.url.path, filters)
    limit, offset, cursor = values["limit"], values["offset"], values["cursor"]
    if cursor is None:
        return AskedPage(filters, Place(limit, offset), bound)
    if offset:
        raise WrongQuery({"cursor": ["Cannot be used with an offset."]})
    try:
        key, backwards = read_cursor(cursor, bound, listing.key_types)
    except WrongCursor:
        raise WrongQuery({"cursor": ["Is not a cursor of this list with these filters."]}) from None
    return AskedPage(filters, Place(limit, 0, key, backwards), bound)


async def bare(request: Request, asked: AskedPage, page: Page, write: Write) -> Response:
    """Answer with an array."""
    return _answer(await _array(page, write), request, asked, page)


async def wrapped(request: Request, asked: AskedPage, page: Page, write: Write) -> Response:
    """Answer with an array in an object."""
    numbers = json_bytes({"total": page.total, "limit": asked.place.limit, "offset": asked.place.offset})
    return _answer(b'{"results":' + await _array(page, write) + b"," + numbers[1:], request, asked, page)


async def _array(page: Page, write: Write) -> bytes:
    """Write rows. Between some and some others have their turn: large pages hold up no small answers."""
    written: list[bytes] = []
    for begin in range(0, len(page.rows), ROWS_AT_ONCE):
        if begin:
            await asyncio.sleep(0)
        written += [write(row) for row in page.rows[begin : begin + ROWS_AT_ONCE]]
    return b"[" + b",".join(written) + b"]"


def _answer(body: bytes, request: Request, asked: AskedPage, page: Page) -> Response:
    headers = {"X-Total-Count": str(page.total)}
    if not page.is_exact:
        headers["X-Total-Count-Exact"] = "false"
    links = _links(request, asked, page)
    if links:
        headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items())
    return Response(body, headers=headers, media_type="application/json")


def _links(request: Request, asked: AskedPage, page: Page) -> dict[str, str]:
    """Return the neighbouring pages, with the filters kept. Who pages by offset goes back by offset."""
    place, links = asked.place, {}
    if page.next_key is not None:
        links["next"] = _url(request, place, cursor=write_cursor(asked.bound, page.next_key, backwards=False))
    if page.prev_key is not None:
        links["prev"] = _url(request, place, cursor=write_cursor(asked.bound, page.prev_key, backwards=True))
    elif place.offset > 0:
        links["prev"] = _url(request, place, offset=max(0, place.offset - place.limit))
    return links


def _url(request: Request, place: Place, **where: str | int) -> str:
    kept = [pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] not in PAGE]
    return f"{request.url.path}?{urlencode([*kept, ('limit', place.limit), *where.items()])}"
