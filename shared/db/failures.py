"""Which failures are worth another try: the three families of errors, read from PostgreSQL's error codes."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import Poison, Refusal, Transient

# Source: PostgreSQL, appendix A. 08 connection, 25P03 idle session, 28 not let in, 3D and 3F no such database or schema
# (yet), 40 rollback (serialization, deadlock), 42 a statement that does not fit the schema: ours to mend, and no reason
# to bury records, 53 resources, 55P03 lock timeout, 57 operator, 58 system, XX fault.
TRANSIENT_CLASSES = ("08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58", "XX")


def sqlstate_of(error: BaseException) -> str | None:
    """Return the five letters of PostgreSQL's error code, if the failure came from there."""
    original = getattr(error, "orig", None)
    return getattr(original, "sqlstate", None) or getattr(error, "sqlstate", None)


def is_transient(error: BaseException) -> bool:
    """Say whether the same work may succeed later, unchanged."""
    if isinstance(error, Transient):
        return True
    if isinstance(error, (Poison, Refusal)):
        return False
    state = sqlstate_of(error)
    if state is not None:
        return state.startswith(TRANSIENT_CLASSES)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, ValueError):
        return False  # asyncpg.DataError among them: a value that no column takes
    # InternalClientError: the server has closed the connection, and the driver is in the middle of noticing it.
    return isinstance(error, (OSError, TimeoutError, PoolTimeout, asyncpg.InterfaceError, asyncpg.InternalClientError))
