"""Rows as answers: one, or a page of them with its count and RFC 8288 links."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.responses import Response

from services.api.domain.pages import Page, Place
from services.api.edges.http import problems
from services.api.edges.http.cursor import WrongCursor, bound_to, read_cursor, write_cursor
from services.api.edges.http.models.base import Answer
from services.api.edges.http.models.query import OF_PAGE, PageQuery
from services.api.edges.http.problems import Refused
from services.api.edges.http.resource import ApiRequest
from services.api.ports import Filters, Shown

Read = Callable[[Filters, Place], Awaitable[Page]]

ROWS_AT_ONCE = 10  # less than a millisecond


def found(answer: type[Answer], row: Shown | None) -> Response:
    """Answer with one row, if there is one."""
    return problems.not_found() if row is None else Response(answer.written(row), media_type="application/json")


class AskedPage:
    """A page of a list, as a query asks for it. Raises Refused for a cursor that is not its own."""

    def __init__(self, query: PageQuery, request: ApiRequest) -> None:
        self._request = request
        self._filters = query.filters
        # What its cursors are bound to.
        self._bound = bound_to(request.state.org_id, request.scope["path"], self._filters)
        self._place = self._placed(query)

    def _placed(self, query: PageQuery) -> Place:
        if query.cursor is None:
            return Place(query.limit, query.offset)
        if query.offset:
            raise Refused(problems.invalid({"cursor": ["Cannot be used with an offset."]}))
        try:
            key, backwards = read_cursor(query.cursor, self._bound, query.key_types)
        except WrongCursor:
            sentence = "Is not a cursor of this list with these filters."
            raise Refused(problems.invalid({"cursor": [sentence]})) from None
        return Place(query.limit, 0, key, backwards)

    async def bare(self, read: Read, answer: type[Answer]) -> Response:
        """Answer with an array."""
        page = await read(self._filters, self._place)
        return self._answered(page, await _array(page, answer))

    async def wrapped(self, read: Read, answer: type[Answer]) -> Response:
        """Answer with an array in an object."""
        page = await read(self._filters, self._place)
        numbers = json.dumps({"total": page.total, "limit": self._place.limit, "offset": self._place.offset})
        body = b'{"results":' + await _array(page, answer) + b"," + numbers.replace(" ", "")[1:].encode()
        return self._answered(page, body)

    def _answered(self, page: Page, body: bytes) -> Response:
        headers = {"X-Total-Count": str(page.total)}
        if not page.is_exact:
            headers["X-Total-Count-Exact"] = "false"
        if links := self._links(page):
            headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items())
        return Response(body, headers=headers, media_type="application/json")

    def _links(self, page: Page) -> dict[str, str]:
        """Return the neighbouring pages, with the filters kept. Who pages by offset goes back by offset."""
        links = {}
        if page.next_key is not None:
            links["next"] = self._url(cursor=write_cursor(self._bound, page.next_key, backwards=False))
        if page.prev_key is not None:
            links["prev"] = self._url(cursor=write_cursor(self._bound, page.prev_key, backwards=True))
        elif self._place.offset > 0:
            links["prev"] = self._url(offset=max(0, self._place.offset - self._place.limit))
        return links

    def _url(self, **where: str | int) -> str:
        asked = self._request.query_params.multi_items()
        kept = [pair for pair in asked if pair[0] not in OF_PAGE]
        return f"{self._request.scope['path']}?{urlencode([*kept, ('limit', self._place.limit), *where.items()])}"


async def _array(page: Page, answer: type[Answer]) -> bytes:
    """Write rows. Between some and some others have their turn: large pages hold up no small answers."""
    written: list[bytes] = []
    for begin in range(0, len(page.rows), ROWS_AT_ONCE):
        if begin:
            await asyncio.sleep(0)
        written += [answer.written(row) for row in page.rows[begin : begin + ROWS_AT_ONCE]]
    return b"[" + b",".join(written) + b"]"
