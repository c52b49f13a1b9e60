"""The API's port."""

import asyncio

import uvicorn
from starlette.types import ASGIApp

from shared.process.ops import QuietServer

GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 30
MAX_CONNECTIONS = 5_000
POLL_SECONDS = 0.05


class ApiServer:
    """Serves the app until it is told to drain."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http="httptools",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
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
        self._server = QuietServer(self._config)
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
