"""A running transaction: set-based statements in, rows out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from shared.db.statement import compiled

# Told whether a commit that had been asked for surely went through.
Outcome = Callable[[bool], None]


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Transaction:
    """Statements are SQL text with `:name` parameters; sequences travel as arrays: `unnest(CAST(:ids AS bigint[]))`.

    Write `CAST(:x AS type)`, not `:x::type`: the colons would be read as a parameter. jsonb goes in and comes out as
    text. The driver is spoken to directly: through SQLAlchemy's result and greenlet layers a statement costs twice
    the CPU (docs/decisions).
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._wakes: list[Callable[[], None]] = []
        self._witnesses: list[Callable[[], Outcome]] = []

    async def rows(self, statement: str, **parameters: Any) -> Sequence[Any]:
        """Run a statement and return all its rows."""
        one = compiled(statement)
        rows: Sequence[Any] = await self._connection.fetch(one.sql, *one.arguments(parameters))
        return rows

    async def row(self, statement: str, **parameters: Any) -> Any | None:
        """Run a statement and return its first row, if any."""
        one = compiled(statement)
        return await self._connection.fetchrow(one.sql, *one.arguments(parameters))

    async def value(self, statement: str, **parameters: Any) -> Any:
        """Run a statement and return the first column of its first row, None without rows."""
        one = compiled(statement)
        return await self._connection.fetchval(one.sql, *one.arguments(parameters))

    async def run(self, statement: str, **parameters: Any) -> int:
        """Run a statement that returns nothing, and return how many rows it touched."""
        one = compiled(statement)
        status: str = await self._connection.execute(one.sql, *one.arguments(parameters))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows that nobody has yet: COPY knows no conflicts, and costs two thirds of an INSERT from arrays."""
        await self._connection.copy_records_to_table(table, columns=columns, records=rows)

    def after_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` once after the commit (never after a rollback). The same callable counts once."""
        if wake not in self._wakes:
            self._wakes.append(wake)

    def around_commit(self, begins: Callable[[], Outcome]) -> None:
        """Call `begins` right before the commit is asked for (never if it isn't), and then what it returned.

        Its answer is False where nobody knows: the line broke, or whoever waited was told to stop.
        """
        self._witnesses.append(begins)

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Tell what `around_commit` was given of the commit inside. Only Database uses this."""
        outcomes = [begins() for begins in self._witnesses]
        surely = False
        try:
            yield
            surely = True
        finally:
            for outcome in outcomes:
                outcome(surely)

    def wake(self) -> None:
        """Call what `after_commit` was given. Only Database calls this."""
        for wake in self._wakes:
            wake()
