"""A running transaction: set-based statements in, rows out."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

STATEMENTS = 1_000


@lru_cache(maxsize=STATEMENTS)
def _prepared(statement: str) -> TextClause:
    return text(statement)


class Transaction:
    """Statements are SQL text with `:name` parameters; sequences travel as arrays: `unnest(CAST(:ids AS bigint[]))`.

    Write `CAST(:x AS type)`, not `:x::type`: the colons would be read as a parameter.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._wakes: list[Callable[[], None]] = []

    async def rows(self, statement: str, **parameters: Any) -> Sequence[Row[Any]]:
        """Run a statement and return all its rows."""
        return (await self._connection.execute(_prepared(statement), parameters)).all()

    async def row(self, statement: str, **parameters: Any) -> Row[Any] | None:
        """Run a statement and return its first row, if any."""
        return (await self._connection.execute(_prepared(statement), parameters)).first()

    async def value(self, statement: str, **parameters: Any) -> Any:
        """Run a statement and return the first column of its first row, None without rows."""
        return (await self._connection.execute(_prepared(statement), parameters)).scalar()

    async def run(self, statement: str, **parameters: Any) -> int:
        """Run a statement that returns nothing, and return how many rows it touched."""
        return (await self._connection.execute(_prepared(statement), parameters)).rowcount

    def after_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` once after the commit (never after a rollback). The same callable counts once."""
        if wake not in self._wakes:
            self._wakes.append(wake)

    def wake(self) -> None:
        """Call what `after_commit` was given. Only Database calls this."""
        for wake in self._wakes:
            wake()
