"""Connections to one origin for one organisation: what was used last goes out first, so that the others may age."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore2

from shared.network.resolving import KEPT_SECONDS

USED_AGAIN_SECONDS = KEPT_SECONDS  # one that is never idle for long would stay where its name led long ago

Connection = httpcore2.AsyncConnectionInterface


class Connections:
    """`maker` only makes them, as it knows of proxies.

    Its own bookkeeping is for those who wait for a connection, which nobody does here: it looks at all that are open,
    several times for each request.
    """

    def __init__(self, maker: httpcore2.AsyncConnectionPool) -> None:
        self._maker = maker
        self._idle: list[tuple[Connection, float]] = []  # with the instant until which each is used again

    @property
    def idle(self) -> int:
        """How many are open, and in nobody's use."""
        return len(self._idle)

    @asynccontextmanager
    async def one(self, origin: httpcore2.Origin) -> AsyncIterator[Connection]:
        """Use one for one request, which is sent at once: an idle one that still stands, or a new one."""
        connection, until = await self._standing() or (
            self._maker.create_connection(origin), time.monotonic() + USED_AGAIN_SECONDS,
        )  # fmt: skip
        try:
            yield connection
        finally:
            if connection.is_available() and time.monotonic() < until:
                self._idle.append((connection, until))
            elif not connection.is_closed():
                await connection.aclose()

    async def close_expired(self) -> None:
        """Close those that were idle for too long, and those that the far end has closed."""
        over = {connection for connection, _ in self._idle if connection.has_expired()}
        self._idle = [one for one in self._idle if one[0] not in over]
        for connection in over:
            await connection.aclose()

    async def close_idle(self) -> None:
        """Close all that are idle."""
        while self._idle:
            await self._idle.pop()[0].aclose()

    async def _standing(self) -> tuple[Connection, float] | None:
        while self._idle:
            connection, until = self._idle.pop()
            if not connection.has_expired():
                return connection, until
            await connection.aclose()
        return None
