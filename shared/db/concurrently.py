"""Indexes that are built while services write: for migrations of tables that may be large."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

from shared.db.migrate import LOCK_TIMEOUT_MS


def create_index_concurrently(name: str, of: str, *, unique: bool = False) -> None:
    """Create an index; `of` is what follows ON. What a broken attempt has left of it goes first."""
    with outside_of_transactions():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {'UNIQUE ' if unique else ''}INDEX CONCURRENTLY {name} ON {of}")


def drop_index_concurrently(name: str) -> None:
    """Drop an index."""
    with outside_of_transactions():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


@contextmanager
def outside_of_transactions() -> Iterator[None]:
    """Commit what was done so far. These statements wait for older transactions as long as it takes: nobody waits
    for them meanwhile."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        yield
        op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
