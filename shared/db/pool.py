"""A pool of connections: the one that was used last is taken first, for its caches are warm."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg

from shared.errors import Transient

WAIT_SECONDS = 10.0
CLOSE_SECONDS = 5.0


class NoConnection(Transient):
    """All connections are in use, and none came back in time."""


class Pool:
    """At most so many connections. A dead one is a transient failure like any other: none is tried before its use."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        *,
        connections: int,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._connect = connect
        self._connections = connections
        self._wait_seconds = wait_seconds
        self._open_anew()

    def _open_anew(self) -> None:
        self._idle: list[asyncpg.Connection] = []
        self._free = asyncio.Semaphore(self._connections)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection. One that was closed meanwhile, by either end, is replaced. Raises NoConnection."""
        idle, free = self._idle, self._free
        try:
            async with asyncio.timeout(self._wait_seconds):
                await free.acquire()
        except TimeoutError:
            raise NoConnection(f"no connection within {self._wait_seconds:g} s") from None
        try:
            driver = _open_one(idle) or await self._connect()
            try:
                yield driver
            finally:
                if idle is self._idle:
                    idle.append(driver)
                else:
                    driver.terminate()  # the pool was closed meanwhile
        finally:
            free.release()

    async def close(self) -> None:
        """Close what is idle now, and what is in use once it comes back: nobody waits for that who asks from now on."""
        idle = self._idle
        self._open_anew()
        for driver in idle:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await driver.close(timeout=CLOSE_SECONDS)


def _open_one(idle: list[asyncpg.Connection]) -> asyncpg.Connection | None:
    while idle:
        driver = idle.pop()
        if not driver.is_closed():
            return driver
    return None
