"""The outermost layer, pure ASGI: who asks (401), how much they send (413), what went wrong (503, 500).

It runs before routing, so an unknown path needs a key as well, and a body is refused before it is read.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from opentelemetry.trace import SpanKind
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import metrics
from services.api.edges.http import problems
from services.api.edges.http.cors import Cors
from shared.db.failures import is_transient
from shared.telemetry import logs, names, tracing
from shared.telemetry.traceparent import new_traceparent, trace_id_of, valid

WAITED = "waited_seconds"  # in a request's state: how long it waited for an end
MAX_BODY_BYTES = 1_048_576
BODY_SECONDS = 60.0
BODY_IDLE_SECONDS = 10.0
MAX_KEY_CHARS = 512
WENT_AWAY = 499  # in log and metrics alone: nobody is there to be answered
OPEN_PATHS = frozenset({"/v1/healthz"})
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +(sk_[\x21-\x7e]+) *")

log = logs.logger(__name__)


class BodyTooLarge(Exception):  # noqa: N818 - an answer, not a fault
    """More bytes came than a body may have."""


class BodyTooSlow(Exception):  # noqa: N818 - an answer, not a fault
    """The body did not come in time."""


class Guard:
    """Wraps the app. `org_of` finds the organisation of a secret key."""

    def __init__(self, app: ASGIApp, org_of: Callable[[str], Awaitable[int | None]], cors: Cors) -> None:
        self._app = app
        self._org_of = org_of
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        traceparent = valid(headers.get(b"traceparent", b"").decode("latin-1"))
        span = tracing.start(scope["method"], SpanKind.SERVER, traceparent)
        traceparent = span.traceparent if span is not None else traceparent or new_traceparent()
        state = scope.setdefault("state", {})
        state["traceparent"] = traceparent
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-trace-id", (trace_id_of(traceparent) or "").encode()))
                self._cors.add(scope, message)
            await send(message)

        error: BaseException | None = None
        metrics.HTTP_IN_FLIGHT.inc()
        try:
            refusal = await self._refusal(scope, headers)
            if refusal is not None:
                await refusal(scope, receive, watch)
            else:
                await self._app(scope, _limited(receive), watch)
        except BodyTooLarge:
            await problems.too_large()(scope, receive, watch)
        except BodyTooSlow:
            await problems.too_slow()(scope, receive, watch)
        except ClientDisconnect:
            status = status or WENT_AWAY
        except Exception as failure:
            error = failure
            if status == 0:
                await _failed(failure, traceparent)(scope, receive, watch)
        finally:
            metrics.HTTP_IN_FLIGHT.dec()
            self._report(scope, status, time.perf_counter() - began, traceparent)
            if span is not None:
                route = _route(scope)
                span.span.update_name(names.SPAN_HTTP.format(method=scope["method"], route=route))
                span.set(names.ATTRIBUTE_HTTP_METHOD, scope["method"])
                span.set(names.ATTRIBUTE_HTTP_ROUTE, route)
                span.set(names.ATTRIBUTE_HTTP_STATUS, status)
                span.end(error)

    async def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> Response | None:
        path = scope["path"]
        is_open = path in OPEN_PATHS or scope["method"] == "OPTIONS"
        if (path == "/v1" or path.startswith("/v1/")) and not is_open:
            given = [value for name, value in scope["headers"] if name == b"authorization"]
            match = _BEARER.fullmatch(given[0]) if len(given) == 1 and len(given[0]) <= MAX_KEY_CHARS else None
            if match is None:
                return problems.unauthorized()
            org_id = await self._org_of(match[1].decode("ascii"))
            if org_id is None:
                return problems.unauthorized()
            scope["state"]["org_id"] = org_id
        length = headers.get(b"content-length", b"")
        if length.isdigit() and (len(length) > 15 or int(length) > MAX_BODY_BYTES):
            return problems.too_large()
        return None

    def _report(self, scope: Scope, status: int, seconds: float, traceparent: str) -> None:
        route = _route(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        waited = scope["state"].get(WAITED, 0.0)  # on the client's own wish
        metrics.HTTP_SECONDS.labels(method, route, str(status)).observe(seconds - waited)
        if log.isEnabledFor(20):
            log.info(
                "request",
                extra={
                    "method": method,
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1_000, 2),
                    "org_id": scope["state"].get("org_id"),
                    **logs.trace_fields(traceparent),
                },
            )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _route(scope: Scope) -> str:
    """Return the route's template: a raw path in a metric would be a new time series for every id."""
    route = scope.get("route")
    return str(getattr(route, "path", "unmatched"))


def _limited(receive: Receive) -> Receive:
    """Bound what comes and how long it takes. Once it is there, waiting for the client to leave has no limit."""
    received = 0
    is_whole = False
    now = asyncio.get_running_loop().time
    deadline = now() + BODY_SECONDS

    async def counted() -> Message:
        nonlocal received, is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(min(deadline, now() + BODY_IDLE_SECONDS)):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        is_whole = not message.get("more_body", False)
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise BodyTooLarge
        return message

    return counted


def _failed(failure: Exception, traceparent: str) -> Response:
    fields = {"error": logs.error_name(failure), **logs.trace_fields(traceparent)}
    if is_transient(failure):
        log.warning("request could not be served now", extra=fields)
        return problems.unavailable()
    log.error("request failed", extra=fields, exc_info=failure)
    return problems.internal_error()
