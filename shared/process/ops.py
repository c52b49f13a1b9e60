"""The operators' port of every service: /metrics, /healthz (the process lives), /readyz (it does its work)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.process.draining import Wait

GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a service does its work, and which of its parts do; `complaints` of a part say why it does not.

    `draining`: it was told to stop, and waits.
    """

    ready: bool
    parts: Mapping[str, bool]
    complaints: Mapping[str, Sequence[str]] = field(default_factory=dict)
    draining: Wait | None = None

    def told(self) -> dict[str, Any]:
        """Return the body of /readyz. `degraded` are the parts that fail, of a service that is ready as well."""
        told: dict[str, Any] = {
            "ready": self.ready,
            "degraded": [name for name, ready in self.parts.items() if not ready],
            "parts": dict(self.parts),
            "complaints": {name: list(said) for name, said in self.complaints.items() if said},
        }
        if self.draining is not None:
            told["draining"] = {"waits_for": self.draining.what, "at_most_seconds": self.draining.at_most_seconds}
        return told


def ops_app(readiness: Callable[[], Readiness]) -> Starlette:
    """Return the app."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    async def readyz(_: Request) -> Response:
        now = readiness()
        return JSONResponse(now.told(), status_code=200 if now.ready else 503)

    async def metrics(_: Request) -> Response:
        readiness()  # sets the gauges of the parts
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
    )


class QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the process that it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


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
