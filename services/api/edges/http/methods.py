"""Methods: HEAD answers wherever GET does, OPTIONS says what a path takes, and so does a 405. Source: RFC 9110, 9.3."""

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.edges.http import problems

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ASKED = "rehearsal.method"


def asked_method(scope: Scope) -> str:
    """Return the method that the client used: a HEAD is served as the GET that it stands for."""
    return str(scope.get(ASKED, scope["method"]))


def allowed(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """Return every method that some route takes at this path; none where there is no such path."""
    routes = tuple(routes)
    found = {method for method in _METHODS if any(_takes(route, {**scope, "method": method}) for route in routes)}
    if not found:
        return []
    return sorted(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set()))


class Methods:
    """Wraps the routes: HEAD is their GET without its body, OPTIONS is answered here."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        match scope["method"]:
            case "OPTIONS":
                await self._options(scope)(scope, receive, send)
            case "HEAD":
                as_get = {**scope, "method": "GET", ASKED: "HEAD"}
                try:
                    await self._app(as_get, receive, _without_body(send))
                finally:  # what the log and the metrics call this request
                    scope["route"] = as_get.get("route")
            case _:
                await self._app(scope, receive, send)

    def _options(self, scope: Scope) -> Response:
        methods = allowed(self._routes, scope)
        return Response(None, 204, {"Allow": ", ".join(methods)}) if methods else problems.not_found()


def _takes(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is Match.FULL


def _without_body(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return bodiless
