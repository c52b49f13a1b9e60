"""Requests, routes and routers of /v1 as the contract wants them: FastAPI's, extended."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http import problems
from services.api.edges.http.idempotency import GivenKey, read_idempotency_key
from services.api.edges.http.models.forms import OFFERS_SIP
from services.api.edges.http.models.problems import errors
from services.api.edges.http.problems import Refused
from services.api.edges.http.strict import read_json, read_query
from services.api.ports import Reading

MAX_INLINE_BYTES = 65_536


class ApiRequest(Request):
    """A request of an organisation: the guard knows whose it is. Endpoints and FastAPI get it in the plain one's place.

    Its body is JSON whatever its Content-Type says, and not encoded.
    """

    content: dict[str, Any]
    key: GivenKey | None

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Return the organisation's view, to be opened: it takes a turn."""
        opened: AbstractAsyncContextManager[Reading] = self.app.state.reads.of(self.state.org_id)
        return opened

    async def read(self) -> None:
        """Read `content`, and the `key` that it is sent with. Raises Refused."""
        if any(coding.strip().lower() != "identity" for coding in self.headers.getlist("content-encoding")):
            raise Refused(problems.encoded())
        body = await self.body()
        # A mebibyte of small objects takes long enough for everybody else to notice.
        inline = len(body) <= MAX_INLINE_BYTES
        self.content = read_json(body) if inline else await asyncio.to_thread(read_json, body)
        self.key = read_idempotency_key(self.headers.getlist("idempotency-key"), self.content)

    @property
    def headers(self) -> Headers:
        """The headers, without the one by which FastAPI would see that it is no JSON."""
        if not hasattr(self, "_headers"):
            self._headers = Headers(raw=[pair for pair in self.scope["headers"] if pair[0] != b"content-type"])
        return self._headers

    @property
    def query_params(self) -> QueryParams:
        if not hasattr(self, "_query_params"):
            self._query_params = QueryParams(read_query(self.scope["query_string"]))
        return self._query_params

    async def json(self) -> dict[str, Any]:
        return self.content


class ApiRoute(APIRoute):
    """A route whose requests are read strictly. What it has no parameters for is not looked at."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle, has_query = super().get_route_handler(), bool(self.dependant.query_params)
        has_body = self.body_field is not None

        async def strictly(request: Request) -> Response:
            ours = ApiRequest(request.scope, request.receive)
            if not has_query:
                ours._query_params = QueryParams()
            if has_body:
                OFFERS_SIP.set(request.app.state.offers_sip)
                await ours.read()  # whatever goes wrong while FastAPI reads, it takes for the client's mistake
            return await handle(ours)

        return strictly


class Resource(APIRouter):
    """Serves /v1/<name> to those who have a key. Operations have their functions' names."""

    def __init__(self, name: str) -> None:
        super().__init__(
            prefix=f"/v1/{name}",
            tags=[name],
            route_class=ApiRoute,
            responses=errors(401, 503),
            strict_content_type=False,
            generate_unique_id_function=lambda route: route.name,
        )
