"""What the GET endpoints read with: connections of their own, in turns, each statement within a bounded time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.api.edges.db.floors import Floors
from services.api.edges.db.reading import Link, SqlReading
from services.api.edges.db.turns import Turns
from services.api.ports import ReadTimedOut
from shared.db.database import Database

CONNECTIONS = 4
CONNECTIONS_OF_ORG = 2  # at once: however much an organisation reads, another one's read does not wait for it
WAITING_OF_ORG = 100
WAIT_SECONDS = 5.0
STATEMENT_TIMEOUT_MS = 2_000


def database_of_reads(url: str) -> Database:
    """Return a pool that nothing but reads may use, so that they starve neither admission nor key look-ups."""
    return Database(
        url,
        schema="api",
        pool_connections=CONNECTIONS,
        settings={"statement_timeout": str(STATEMENT_TIMEOUT_MS)},
    )


class SqlReads:
    """Opens one organisation's view, in its turn. `link` makes links of the names of recordings."""

    def __init__(self, database: Database, link: Link = str, turns: Turns | None = None) -> None:
        self._database = database
        self._link = link
        self._floors = Floors()
        self._turns = turns or Turns(
            at_once=CONNECTIONS,
            at_once_of_org=CONNECTIONS_OF_ORG,
            waiting_of_org=WAITING_OF_ORG,
            wait_seconds=WAIT_SECONDS,
        )

    @asynccontextmanager
    async def of(self, org_id: int) -> AsyncIterator[SqlReading]:
        async with self._turns.turn(org_id):
            try:
                async with self._database.reading() as transaction:
                    yield SqlReading(transaction, org_id, self._floors, self._link)
            except asyncpg.QueryCanceledError:
                raise ReadTimedOut("the read took too long") from None
