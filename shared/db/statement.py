"""SQL text with `:name` parameters, compiled once by SQLAlchemy into what the driver takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

STATEMENTS = 1_000
_DIALECT: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with `$1` parameters, and the names of what goes into them."""

    sql: str
    names: tuple[str, ...]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Return values in the statement's order. Raises KeyError for one that is missing."""
        return [values[name] for name in self.names]


@lru_cache(maxsize=STATEMENTS)
def compiled(statement: str) -> Statement:
    """Compile SQL text; the same text is compiled once."""
    done = text(statement).compile(dialect=_DIALECT)
    return Statement(str(done), tuple(done.positiontup or ()))
