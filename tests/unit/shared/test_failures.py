"""Which failures are tried again, and which records are to blame."""

import asyncpg
import pytest

from shared.db.failures import is_too_much, is_transient
from shared.errors import Poison, Refusal, Transient


@pytest.mark.parametrize(
    "error",
    [
        Transient("later"),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.SerializationError("x"),
        asyncpg.TooManyConnectionsError("x"),
        asyncpg.UndefinedTableError("x"),
        asyncpg.AdminShutdownError("x"),
        asyncpg.DiskFullError("x"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.exceptions.InvalidCachedStatementError("cached plan must not change result type"),
        asyncpg.exceptions.OutdatedSchemaCacheError("x"),
        asyncpg.InvalidSQLStatementNameError("x"),
        asyncpg.InvalidCursorNameError("x"),
        asyncpg.DuplicatePreparedStatementError("x"),
        asyncpg.IndeterminateDatatypeError("x"),
        asyncpg.QueryCanceledError("x"),
        asyncpg.IdleInTransactionSessionTimeoutError("x"),
        asyncpg.ReadOnlySQLTransactionError("x"),
        ConnectionResetError("x"),
        TimeoutError(),
    ],
)
def test_what_may_work_later(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        Poison("never"),
        Refusal("no"),
        asyncpg.UniqueViolationError("x"),
        asyncpg.CheckViolationError("x"),
        asyncpg.NumericValueOutOfRangeError("x"),
        asyncpg.UntranslatableCharacterError("x"),
        asyncpg.CardinalityViolationError("x"),
        asyncpg.ProgramLimitExceededError("x"),
        asyncpg.RaiseError("x"),
        asyncpg.DataError("a value that no column takes"),
        ValueError("x"),
        KeyError("x"),
    ],
)
def test_what_will_never_work(error: Exception) -> None:
    assert not is_transient(error)


@pytest.mark.parametrize(
    ("error", "too_much"),
    [
        (asyncpg.QueryCanceledError("x"), True),
        (asyncpg.OutOfMemoryError("x"), True),
        (TimeoutError(), True),
        (asyncpg.LockNotAvailableError("x"), False),
        (asyncpg.DeadlockDetectedError("x"), False),
        (ConnectionResetError("x"), False),
    ],
)
def test_what_half_of_the_work_may_do_without(error: Exception, too_much: bool) -> None:
    assert is_too_much(error) is too_much
