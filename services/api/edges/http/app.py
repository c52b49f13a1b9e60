"""The API's ASGI app: a router for each resource, errors in the contract's shape, and the guard around everything."""

from collections.abc import Awaitable, Callable, Collection

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from services.api.domain.asking import Answer, Asked
from services.api.domain.inbound import NoSuchRun, OtherLeg
from services.api.edges.http import openapi, problems
from services.api.edges.http.cors import Cors
from services.api.edges.http.docs_page import add_docs_page
from services.api.edges.http.guard import Guard
from services.api.edges.http.methods import Methods, allowed
from services.api.edges.http.routers import batches, billing, calls, health, hooks, recordings, runs
from services.api.edges.http.wrong_fields import wrong_fields
from services.api.ports import Awaited, Reads, ReadTimedOut, Shelf, Waits
from shared.hooks.inbound_calls import InboundCall
from shared.process.ops import Readiness

DESCRIPTION = "Test calls for AI voice agents: a bot calls your agent, you get the log and the exact bill."


def create_app(
    *,
    submit: Callable[[Asked], Awaitable[Answer]],
    reads: Reads,
    org_of: Callable[[str], Awaitable[int | None]],
    readiness: Callable[[], Readiness],
    cors_origins: Collection[str] = (),
    offers_sip: bool = False,
    log_inbound_call: Callable[[InboundCall], Awaitable[int | NoSuchRun | OtherLeg]] | None = None,
    hook_secret: bytes | None = None,
    shelf: Shelf | None = None,
    waits: Waits | None = None,
    cancel: Callable[[Awaited, str | None], Awaitable[bool]] | None = None,
) -> ASGIApp:
    """Return the app. `submit` answers a POST, `org_of` knows secret keys, scripts of `cors_origins` may ask.

    `offers_sip`: calls over SIP can be made here. `hook_secret` signs what tells of inbound ones; without it none is
    believed.
    """
    app = FastAPI(
        title="Rehearsal",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the guard's are enough, and hold no bodies
        exception_handlers={
            HTTPException: _http_problem,
            RequestValidationError: wrong_fields,
            ReadTimedOut: _read_timed_out,
            Exception: _reraise,
        },
    )
    app.state.submit, app.state.reads, app.state.readiness = submit, reads, readiness
    app.state.offers_sip, app.state.shelf = offers_sip, shelf
    app.state.waits, app.state.cancel = waits, cancel
    app.state.log_inbound_call, app.state.hook_secret = log_inbound_call, hook_secret
    for resource in (runs, batches, calls, billing, health):
        app.router.routes += resource.router.routes  # as they are: an included router is matched twice a request
    app.router.routes += [*hooks.ROUTES, *recordings.ROUTES]
    add_docs_page(app)
    openapi.describe(app)
    # Outside of Starlette's own error handling: the guard answers for what nobody else could.
    return Guard(Methods(app, app.routes), org_of, Cors(cors_origins))


async def _http_problem(request: Request, error: Exception) -> Response:
    match error:
        case problems.Refused(answer=answer):
            return answer
        case HTTPException(status_code=404):
            return problems.not_found()
        case HTTPException(status_code=405):
            return problems.method_not_allowed(allowed(request.app.routes, request.scope))
        case HTTPException(status_code=status):
            return problems.problem(status, "bad_request", "The request could not be served.")
    raise error


async def _read_timed_out(_: Request, __: Exception) -> Response:
    return problems.read_timed_out()


async def _reraise(_: Request, error: Exception) -> Response:
    """Keep Starlette's last resort from answering in plain text."""
    raise error
