"""Requests, read more strictly than FastAPI does: JSON that all readers understand alike, and well-formed queries."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http import problems
from services.api.edges.http.problems import Refused

MAX_INLINE_BYTES = 65_536
MAX_QUERY_CHARS = 8_192
MAX_PARAMETERS = 100


class StrictRequest(Request):
    """A request whose body is JSON whatever its Content-Type says, and not encoded."""

    @property
    def headers(self) -> Headers:
        if not hasattr(self, "_headers"):
            # FastAPI reads JSON where no Content-Type says otherwise.
            self._headers = Headers(raw=[pair for pair in self.scope["headers"] if pair[0] != b"content-type"])
        return self._headers

    @property
    def query_params(self) -> QueryParams:
        if not hasattr(self, "_query_params"):
            self._query_params = QueryParams(read_query(self.scope["query_string"]))
        return self._query_params

    async def body(self) -> bytes:
        if any(coding.strip().lower() != "identity" for coding in self.headers.getlist("content-encoding")):
            raise Refused(problems.encoded())
        return await super().body()

    async def json(self) -> dict[str, Any]:
        if not hasattr(self, "_json"):
            body = await self.body()
            # A mebibyte of small objects takes long enough for everybody else to notice.
            inline = len(body) <= MAX_INLINE_BYTES
            self._json = read_json(body) if inline else await asyncio.to_thread(read_json, body)
        content: dict[str, Any] = self._json
        return content


class StrictRoute(APIRoute):
    """A route whose requests are read strictly. What it has no parameters for is not looked at."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle, has_query = super().get_route_handler(), bool(self.dependant.query_params)
        has_body = self.body_field is not None

        async def strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if not has_query:
                strict._query_params = QueryParams()
            if has_body:
                await strict.json()  # whatever goes wrong while FastAPI reads, it takes for the client's mistake
            return await handle(strict)

        return strictly


class _Twice(Exception):  # noqa: N818 - an answer, not a fault
    """A key came twice."""


def read_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object. NaN, infinities, invalid UTF-8, halves of surrogate pairs and abysmal nesting are no JSON.

    Nor is an object with a key twice, at any depth: readers differ in which of the two they take. Raises Refused.
    """
    try:
        content = from_json(body, allow_inf_nan=False)
        _FINDS_TWINS.decode(body.decode())  # pydantic's reader is the stricter one, but takes the last of two
    except ValueError:
        raise Refused(problems.malformed("The body is not well-formed JSON.")) from None
    except _Twice:
        raise Refused(problems.malformed("An object of the body has a key twice.")) from None
    if not isinstance(content, dict):
        raise Refused(problems.malformed("The body must be a JSON object."))
    return content


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Twice


_FINDS_TWINS = json.JSONDecoder(object_pairs_hook=_once)


def read_query(query: bytes) -> list[tuple[str, str]]:
    """Take a query string apart. Raises Refused."""
    try:
        pairs = parse_qsl(
            query.decode("latin-1")[: MAX_QUERY_CHARS + 1],
            keep_blank_values=True,
            max_num_fields=MAX_PARAMETERS,
            errors="strict",
        )
    except (ValueError, UnicodeDecodeError):
        raise Refused(problems.invalid({"query": ["Is not a well-formed query string."]})) from None
    if len(query) > MAX_QUERY_CHARS:
        raise Refused(problems.invalid({"query": [f"Must have at most {MAX_QUERY_CHARS} characters."]}))
    return pairs
