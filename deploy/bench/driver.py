"""`python -m deploy.bench.driver`: what one statement costs through SQLAlchemy, and spoken to the driver directly."""

import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local import postgres
from deploy.local.ports import free_port
from deploy.local.reachable import reachable_folder
from shared.db.database import Database

STATEMENTS = 2_000
ROUNDS = 5
ROWS = 50
QUESTION = "SELECT id, id * 2 AS twice FROM unnest(CAST(:ids AS bigint[])) AS given (id)"
IDS = list(range(ROWS))


async def _microseconds(ask: Callable[[], Awaitable[object]]) -> float:
    """Return client CPU time for one statement."""
    began = time.process_time()
    for _ in range(STATEMENTS):
        await ask()
    return (time.process_time() - began) / STATEMENTS * 1e6


async def _compare(url: str) -> None:
    database = Database(url, schema="public")
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    statement = text(QUESTION)
    async with database.transaction() as transaction, engine.connect() as connection:

        async def directly() -> object:
            return [(row.id, row.twice) for row in await transaction.rows(QUESTION, ids=IDS)]

        async def through_sqlalchemy() -> object:
            return [(row.id, row.twice) for row in (await connection.execute(statement, {"ids": IDS})).all()]

        for nth in range(ROUNDS):
            direct, through = await _microseconds(directly), await _microseconds(through_sqlalchemy)
            print(f"round {nth + 1}: {ROWS} rows, direct {direct:.0f} µs, SQLAlchemy {through:.0f} µs of client CPU a "
                  f"statement: × {through / direct:.1f}")  # fmt: skip
    await engine.dispose()
    await database.dispose()


def main() -> None:
    """Start a server, compare, stop it."""
    password = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="rehearsal-bench-") as folder, reachable_folder() as reachable:
        server = postgres.prepare(Path(folder) / "postgres", free_port(), password, reachable)
        with postgres.running(server, Path(folder) / "postgres.log", {}):
            uvloop.run(_compare(server.url(password)))


if __name__ == "__main__":
    main()
