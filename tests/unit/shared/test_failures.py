"""Which failures are tried again, and which records are to blame."""

import asyncpg
import pytest

from shared.db.failures import is_transient
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
        asyncpg.DataError("a value that no column takes"),
        ValueError("x"),
        KeyError("x"),
    ],
)
def test_what_will_never_work(error: Exception) -> None:
    assert not is_transient(error)
