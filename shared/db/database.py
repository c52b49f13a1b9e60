"""One service's PostgreSQL schema: a pool of connections and the only place that commits."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import asyncpg

from shared.db.liveness import ANSWER_SECONDS, LiveConnection, server_settings
from shared.db.transaction import Row, Transaction
from shared.errors import Transient

POOL_CONNECTIONS = 8
POOL_WAIT_SECONDS = 10.0
CONNECT_SECONDS = 10
CLOSE_SECONDS = 5.0
CACHED_STATEMENTS = 200

PLANNING = {
    # Every statement works on arrays and goes by an index: planning it anew for each batch costs more than running it.
    "plan_cache_mode": "force_generic_plan",
    # Plans are made once, often while tables are still empty: then a bitmap and a sort look as cheap as walking an
    # index in its order until there is enough, and so do scans and merges of whole tables. They are kept until the next
    # ANALYZE, and with a long queue they are not cheap. Hashes stay: rows of a statement's own are joined by them.
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    "enable_mergejoin": "off",
}


class NoConnection(Transient):
    """All connections are in use, or the server answers nobody, and none was to be had in time."""


class Database:
    """Connections to one service's schema. `url` is a plain `postgresql://` URL of the service's own role.

    `settings` are PostgreSQL's, beside those of every connection: a pool for one purpose may have its own time-outs.
    """

    def __init__(
        self,
        url: str,
        *,
        schema: str,
        pool_connections: int = POOL_CONNECTIONS,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        self.schema = schema
        self._pool_connections = pool_connections
        self._settings = server_settings(schema, schema) | PLANNING | dict(settings or {})
        self._pool: asyncpg.Pool | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction, commit it at the end of the block, then wake whoever waits for it."""
        async with self._connected() as driver, _transaction(driver) as transaction:
            yield transaction
        transaction.wake()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Open a connection for queries: each statement stands for itself."""
        async with self._connected() as driver:
            yield Transaction(driver)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        """Borrow the connection that was used last: its caches are warm. One that was closed meanwhile is replaced."""
        pool = await self._opened()
        try:
            driver = await pool.acquire(timeout=POOL_WAIT_SECONDS)
        except TimeoutError:
            raise NoConnection(f"no connection within {POOL_WAIT_SECONDS:g} s") from None
        try:
            yield driver
        except TimeoutError:
            _terminate(driver)  # no answer came, so none will come to anything else that is asked on this line
            raise
        finally:
            await pool.release(driver)

    async def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self.url,
                min_size=0,
                max_size=self._pool_connections,
                max_inactive_connection_lifetime=0,
                reset=_as_it_is,
                timeout=CONNECT_SECONDS,
                command_timeout=ANSWER_SECONDS,
                statement_cache_size=CACHED_STATEMENTS,
                connection_class=LiveConnection,
                record_class=Row,
                server_settings=self._settings,
            )
        return await self._pool  # connects to nothing yet

    async def dispose(self, patience_seconds: float = CLOSE_SECONDS) -> None:
        """Close all connections, those that are not given back by then as well. Whoever asks later opens anew."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                async with asyncio.timeout(patience_seconds):
                    await pool.close()


async def _as_it_is(_: asyncpg.Connection) -> None:
    """Ask nothing of a session that comes back: nothing was changed that would have to be put back."""


def _terminate(driver: asyncpg.Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # it is not ours any more, for it was closed
        driver.terminate()


@asynccontextmanager
async def _transaction(driver: asyncpg.Connection) -> AsyncIterator[Transaction]:
    """Open a transaction. A line that is dead is not asked to roll back: that would take as long again."""
    try:
        await driver.execute("BEGIN")
    except BaseException:
        _terminate(driver)  # whatever it is in the middle of, the next one is not to wait for it
        raise
    transaction = Transaction(driver)
    try:
        try:
            yield transaction
        except TimeoutError:
            raise
        except BaseException:
            with suppress(Exception):  # the first error is the one that tells something
                await driver.execute("ROLLBACK")
            raise
        with transaction.committing():
            # PostgreSQL does not refuse to commit what has failed before: it says that it rolled back.
            if await driver.execute("COMMIT") != "COMMIT":
                raise asyncpg.InFailedSQLTransactionError("rolled back: a statement had failed, and nobody minded")
    finally:
        transaction.over()
        with suppress(asyncpg.InterfaceError):  # as above; the first error is the one that tells something
            if driver.is_in_transaction():
                driver.terminate()  # the pool takes another
