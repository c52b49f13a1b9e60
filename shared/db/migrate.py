"""Bring one service's schema up to date with Alembic, as the role that owns it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, pool, text  # noqa: F401
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

LOCK_TIMEOUT_MS = 5_000
MIGRATION_LOCK = 7_203_551  # one migration at a time for each schema; the second key is the schema's hash


def _config(service_package: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(service_package / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


async def migrate(url: str, *, schema: str, service_package: Path) -> None:
    """Run every migration that the schema has not seen. Idempotent; waits at most `LOCK_TIMEOUT_MS` for each lock."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=pool.NullPool,
        connect_args={
            "server_settings": {"search_path": schema, "lock_timeout": str(LOCK_TIMEOUT_MS), "timezone": "UTC"}
        },
    )

    def upgrade(connection: Connection) -> None:
        config = _config(service_package)
        config.attributes["connection"] = connection
        config.attributes["schema"] = schema
        command.upgrade(config, "head")

    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()
