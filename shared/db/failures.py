"""Which failures are worth another try: the three families of errors, read from PostgreSQL's error codes."""

import asyncpg

from shared.errors import Poison, Refusal, Transient

# Source: PostgreSQL, appendix A. 08 connection, 0A a cached plan of before a migration, 24, 26 and 34 a cursor or a
# prepared statement that is gone (a failover, a pool in between), 25 state of the transaction, 28 not let in, 3D and 3F
# no such database or schema (yet), 40 rollback (serialization, deadlock), 42 a statement that does not fit the schema:
# ours to mend, and no reason to bury records, 53 resources, 55 locks, 57 operator and time-outs, 58 system, F0
# configuration, XX fault. Not among them: 21, 22, 23, 44, 54 and P0, which a record's contents provoke.
_CODES = "08 0A 24 25 26 28 34 3D 3F 40 42 53 55 57 58 F0 XX"
TRANSIENT_CLASSES = tuple(_CODES.split())

# A statement that took too long, or more memory than there is: half of it may do.
TOO_MUCH = ("57014", "53200")


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
    if isinstance(error, ValueError):
        return False  # asyncpg.DataError among them: a value that no column takes
    # InternalClientError: the server has closed the connection, and the driver is in the middle of noticing it.
    return isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError))


def is_too_much(error: BaseException) -> bool:
    """Say whether the same work may succeed in smaller pieces: it took too long, or too much memory."""
    state = sqlstate_of(error)
    return state in TOO_MUCH if state is not None else isinstance(error, TimeoutError)
