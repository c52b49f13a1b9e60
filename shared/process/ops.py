"""The operators' port of every service: /metrics, /healthz (the process lives), /readyz (it does its work)."""

from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a service does its work, and which of its parts do."""

    ready: bool
    parts: dict[str, bool]


def ops_app(readiness: Callable[[], Readiness]) -> Starlette:
    """Return the app."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    async def readyz(_: Request) -> Response:
        now = readiness()
        return JSONResponse({"ready": now.ready, "parts": now.parts}, status_code=200 if now.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
    )


class QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the process that it is a part of."""

    def install_signal_handlers(self) -> None:
        """Leave them alone."""

    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Leave them alone."""
        from contextlib import nullcontext

        return nullcontext()


def ops_server(app: Starlette, host: str, port: int) -> uvicorn.Server:
    """Return a server for the app, not started yet."""
    return QuietServer(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
