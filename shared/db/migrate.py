"""Bring one service's schema up to date with Alembic, as the role that owns it, while the service runs."""

import asyncio
import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, pool, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.db.failures import sqlstate_of
from shared.db.liveness import LiveConnection, server_settings

LOCK_TIMEOUT_MS = 2_000  # whoever comes after us waits for a lock as long as we do
TRIES = 30
PAUSE_SECONDS = 1.0
ASK_AGAIN_SECONDS = 0.2
IN_THE_WAY = ("55P03", "40P01")  # a lock that others hold, a circle of locks
MIGRATION_LOCK = 7_203_551  # one migration at a time for each schema; the second key is the schema's hash

log = logging.getLogger(__name__)


def _config(service_package: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(service_package / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


async def migrate(
    url: str, *, schema: str, service_package: Path, tries: int = TRIES, pause_seconds: float = PAUSE_SECONDS
) -> None:
    """Run every migration that the schema has not seen, each all or not at all. Idempotent.

    Waits at most `LOCK_TIMEOUT_MS` for each lock, and then lets everybody pass before it tries again.
    """
    for left in reversed(range(tries)):
        try:
            await _migrate_once(url, schema, service_package)
        except DBAPIError as error:
            if sqlstate_of(error) not in IN_THE_WAY or left == 0:
                raise
            log.warning("migration of %s waits for a lock", schema)
            await asyncio.sleep(pause_seconds)
        else:
            return


async def _migrate_once(url: str, schema: str, service_package: Path) -> None:
    settings = server_settings(schema, f"{schema} migration")
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=pool.NullPool,
        connect_args={
            "connection_class": LiveConnection,
            "server_settings": settings | {"lock_timeout": str(LOCK_TIMEOUT_MS), "statement_timeout": "0"},
        },
    )

    def upgrade(connection: Connection) -> None:
        config = _config(service_package)
        config.attributes["connection"] = connection
        config.attributes["schema"] = schema
        command.upgrade(config, "head")

    try:
        async with engine.connect() as connection:
            await _alone(connection, schema)
            await connection.run_sync(upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


async def _alone(connection: AsyncConnection, schema: str) -> None:
    """Take the schema's migration lock, which the session keeps over its commits.

    Asked for again and again: a statement that waits for a lock has a snapshot, for which an index that is built
    concurrently would wait in turn.
    """
    question = text("SELECT pg_try_advisory_lock(:lock, hashtext(:schema))")
    while not await connection.scalar(question, {"lock": MIGRATION_LOCK, "schema": schema}):
        await connection.rollback()
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    await connection.commit()
