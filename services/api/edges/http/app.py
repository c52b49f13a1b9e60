"""The API's ASGI app: routes, errors in the contract's shape, and the guard around everything."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from services.api.edges.db.reads import Reads, ReadTimedOut
from services.api.edges.http import answers
from services.api.edges.http.cors import Cors
from services.api.edges.http.docs_page import add_docs_page
from services.api.edges.http.guard import Guard
from services.api.edges.http.methods import Methods, allowed
from services.api.edges.http.posts import Submit, post_endpoints
from services.api.edges.http.reading.gets import Gets
from services.api.edges.http.reading.query import WrongQuery
from services.api.edges.http.routes import add_operation, operations
from shared.process.ops import Readiness

DESCRIPTION = "Test calls for AI voice agents: a bot calls your agent, you get the log and the exact bill."


def create_app(
    *,
    submit: Submit,
    reads: Reads,
    org_of: Callable[[str], Awaitable[int | None]],
    readiness: Callable[[], Readiness],
    cors_origins: Collection[str] = (),
) -> ASGIApp:
    """Return the app. `submit` answers a POST, `org_of` knows secret keys, scripts of `cors_origins` may ask."""
    app = FastAPI(
        title="Rehearsal", version="1", description=DESCRIPTION, docs_url=None, redoc_url=None, redirect_slashes=False
    )

    async def healthz(_: Request) -> Response:
        """Say that the API lives."""
        return answers.answer({"ok": True})

    async def readyz(_: Request) -> Response:
        now = readiness()
        return answers.answer(now.told(), 200 if now.ready else 503)

    for operation in operations(post_endpoints(submit), Gets(reads), healthz):
        add_operation(app, operation)
    app.add_route("/healthz", healthz, include_in_schema=False)
    app.add_route("/readyz", readyz, include_in_schema=False)
    add_docs_page(app)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(WrongQuery, _wrong_query)
    app.add_exception_handler(ReadTimedOut, _read_timed_out)
    _describe_security(app)
    # Outside of Starlette's own error handling: the guard answers for what nobody else could.
    return Guard(Methods(_Reraising(app), app.routes), org_of, Cors(cors_origins))


class _Reraising:
    """Keeps Starlette's last-resort handler from answering in plain text: the guard answers in the contract's shape."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        app.add_exception_handler(Exception, _reraise)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


async def _reraise(_: Request, error: Exception) -> Response:
    raise error


async def _http_problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == 404:
        return answers.not_found()
    if status == 405:
        return answers.method_not_allowed(allowed(request.app.routes, request.scope))
    return answers.problem(status, "bad_request", "The request could not be served.", headers)


async def _wrong_query(_: Request, error: Exception) -> Response:
    return answers.invalid(error.fields if isinstance(error, WrongQuery) else {})


async def _read_timed_out(_: Request, __: Exception) -> Response:
    return answers.read_timed_out()


def _describe_security(app: FastAPI) -> None:
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        document.setdefault("components", {})["securitySchemes"] = {
            "secretKey": {"type": "http", "scheme": "bearer", "description": "A secret key, sk_…"}
        }
        return document

    app.openapi = openapi  # type: ignore[method-assign]
