"""The four schemas, each read by a connection of its own: read-only, a bounded number of rows a statement."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg

SCHEMAS = ("api", "scheduler", "caller", "billing")
CONNECT_SECONDS = 10
RECENT = timedelta(hours=2)  # longer than a run waits and lasts
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 1_000
PAGE_ROWS = 2_000

Row = Any
Pages = Mapping[str, str]  # schema → a query whose rows begin with their number, without WHERE and ORDER BY


class CouldNotLook(Exception):  # noqa: N818 - an answer, with an exit code of its own
    """The books could not be read: nothing is known about them."""


class Sources:
    """Open connections by schema. A schema that is not given is not compared."""

    def __init__(self, connections: Mapping[str, asyncpg.Connection]) -> None:
        self._connections = connections

    def has(self, *schemas: str) -> bool:
        """Say whether these schemas can be read."""
        return all(schema in self._connections for schema in schemas)

    async def rows(self, schema: str, question: str, *values: object) -> Sequence[Row]:
        """Ask one schema."""
        rows: Sequence[Row] = await self._connections[schema].fetch(question, *values)
        return rows


def urls_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return each schema's URL: `<SERVICE>_DATABASE_URL`, or `DATABASE_URL` for all. Empty where none is given."""
    given = {schema: environment.get(f"{schema.upper()}_DATABASE_URL") for schema in SCHEMAS}
    return {schema: url for schema, own in given.items() if (url := own or environment.get("DATABASE_URL"))}


@asynccontextmanager
async def open_sources(urls: Mapping[str, str]) -> AsyncIterator[Sources]:
    """Connect to the schemas. Raises CouldNotLook."""
    async with AsyncExitStack() as stack:
        connections = {}
        for schema, url in urls.items():
            try:
                connection = await asyncpg.connect(
                    url,
                    timeout=CONNECT_SECONDS,
                    server_settings={
                        "application_name": f"rehearsal-books-{os.getpid()}",
                        "default_transaction_read_only": "on",
                        "jit": "off",
                        "lock_timeout": str(LOCK_TIMEOUT_MS),
                        "search_path": schema,
                        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                    },
                )
            except (OSError, TimeoutError, asyncpg.PostgresError) as error:
                raise CouldNotLook(f"{schema}: {type(error).__name__}") from error
            stack.push_async_callback(connection.close)
            connections[schema] = connection
        yield Sources(connections)
