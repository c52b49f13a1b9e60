"""The API's port."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from services.api import metrics
from services.api.edges.http.connections import Connections, Limits
from services.api.edges.http.protocol import LimitedProtocol
from shared.process.open_files import files_for
from shared.process.ops import QuietServer

GRACE_SECONDS = 10
TICKS_A_SECOND = 10  # uvicorn's


class ApiServer:
    """Serves the app until it is told to drain."""

    def __init__(self, app: ASGIApp, host: str, port: int, limits: Limits | None = None) -> None:
        limits = _within_files(limits or Limits())
        self._connections = Connections(limits)
        self._config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=cast(Any, partial(LimitedProtocol, connections=self._connections)),
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # nobody asks for a client's address
            timeout_keep_alive=cast(int, limits.idle_seconds),
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server: uvicorn.Server | None = None
        self._done = asyncio.Event()
        self._draining = False

    def ready(self) -> bool:
        """Say whether the port answers."""
        return self._server is not None and self._server.started and not self._draining

    async def run(self) -> None:
        """Serve for ever; once drained, stay silent until the process ends."""
        self._server = _Server(self._config, self._connections)
        await self._server.serve()
        self._done.set()
        if self._draining:
            await asyncio.Event().wait()

    async def drain(self) -> None:
        """Finish the requests that run, accept no others."""
        self._draining = True
        if self._server is not None:
            self._server.should_exit = True
            await self._done.wait()


class _Server(QuietServer):
    """Looks once a second for connections that have waited too long."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections

    async def on_tick(self, counter: int) -> bool:
        """Do what uvicorn does ten times a second, and look."""
        if counter % TICKS_A_SECOND == 0:
            metrics.HTTP_CONNECTIONS.set(len(self.server_state.connections))
            self._connections.close_hopeless(asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def _within_files(limits: Limits) -> Limits:
    """Be content with fewer connections where there are no more open files.

    Without a file left the kernel's newcomers would wait unseen, and nobody would be closed for them.
    """
    return replace(limits, connections=files_for(limits.connections))
