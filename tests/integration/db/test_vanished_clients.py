"""What a process has locked is free again soon after it has vanished: frozen, or behind a cable that was pulled."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from deploy.local.children import dies_with_parent
from shared.db import liveness
from shared.db.database import Database
from shared.db.failures import is_transient
from tests.support.databases import TestDatabase
from tests.support.proxies import Line, served
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

FREE_WITHIN_SECONDS = 30
SHORT_SECONDS = 2
LOCK = "SELECT FROM orgs WHERE org_id = 1 FOR UPDATE"
LOCKS_AND_STANDS_STILL = f"""
import asyncio, sys
from shared.db import liveness
liveness.IDLE_TRANSACTION_SECONDS = {SHORT_SECONDS}
from shared.db.database import Database

async def main():
    async with Database(sys.argv[1], schema="api").transaction() as transaction:
        await transaction.run("{LOCK}")
        print("locked", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
async def database(test_database: TestDatabase) -> AsyncIterator[Database]:
    """The schema of the api, with an organisation."""
    database = Database(test_database.url("api"), schema="api")
    async with database.transaction() as transaction:
        await transaction.run("INSERT INTO orgs VALUES (1, '', 1, 1, 1)")
    yield database
    await database.dispose()


async def _locks(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.run(LOCK)


def test_the_limits_are_those_that_are_promised() -> None:
    silent_host = liveness.KEEPALIVE_IDLE_SECONDS + liveness.KEEPALIVE_COUNT * liveness.KEEPALIVE_INTERVAL_SECONDS
    assert silent_host <= FREE_WITHIN_SECONDS
    assert liveness.UNACKNOWLEDGED_SECONDS <= FREE_WITHIN_SECONDS
    assert liveness.STATEMENT_SECONDS < liveness.ANSWER_SECONDS <= FREE_WITHIN_SECONDS
    assert liveness.IDLE_TRANSACTION_SECONDS < liveness.STATEMENT_SECONDS, "who waits for the lock gets it"


async def test_both_ends_of_a_line_ask_now_and_then_whether_the_other_is_there(database: Database) -> None:
    async with database.reading() as transaction:
        for name, wanted in {
            "tcp_keepalives_idle": liveness.KEEPALIVE_IDLE_SECONDS,
            "tcp_keepalives_interval": liveness.KEEPALIVE_INTERVAL_SECONDS,
            "tcp_keepalives_count": liveness.KEEPALIVE_COUNT,
            "tcp_user_timeout": liveness.UNACKNOWLEDGED_SECONDS * 1_000,
        }.items():
            setting = "SELECT CAST(setting AS integer) FROM pg_settings WHERE name = :name"
            assert await transaction.value(setting, name=name) == wanted
        end = transaction._connection._transport.get_extra_info("socket")
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == liveness.KEEPALIVE_IDLE_SECONDS
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == liveness.KEEPALIVE_INTERVAL_SECONDS
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == liveness.KEEPALIVE_COUNT
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == liveness.UNACKNOWLEDGED_SECONDS * 1_000


def _frozen(url: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", LOCKS_AND_STANDS_STILL, url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=dies_with_parent)
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n"
    process.send_signal(signal.SIGSTOP)
    return process


async def test_the_locks_of_a_frozen_process_are_freed(database: Database, test_database: TestDatabase) -> None:
    process = await asyncio.to_thread(_frozen, test_database.url("api"))
    try:
        await _locks(database)  # or its statement times out
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


async def test_a_line_that_was_cut_frees_its_locks_and_is_given_up_and_replaced(
    database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "IDLE_TRANSACTION_SECONDS", SHORT_SECONDS)
    monkeypatch.setattr("shared.db.database.ANSWER_SECONDS", SHORT_SECONDS)
    url = test_database.url("api")
    port = url.rpartition(":")[2].partition("/")[0]
    async with AsyncExitStack() as stack:
        line = Line(int(port))
        await stack.enter_async_context(served(line))
        far = Database(url.replace(f":{port}/", f":{line.port}/"), schema="api", pool_connections=1)
        stack.push_async_callback(far.dispose)

        async def is_cut_off() -> None:
            async with far.transaction() as transaction:
                await transaction.run(LOCK)
                line.cut = True
                await transaction.run(LOCK)

        with pytest.raises(TimeoutError) as failure:
            await asyncio.wait_for(is_cut_off(), 3 * SHORT_SECONDS)
        assert is_transient(failure.value)
        await _locks(database)
        line.cut = False

        async def works_again() -> bool:
            async with far.reading() as transaction:
                return bool(await transaction.value("SELECT true"))

        await eventually(works_again)


async def test_a_cancelled_request_on_a_line_that_was_cut_does_not_hold_its_connection_for_ever(
    database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.database.ANSWER_SECONDS", SHORT_SECONDS)
    url = test_database.url("api")
    port = url.rpartition(":")[2].partition("/")[0]
    async with AsyncExitStack() as stack:
        line = Line(int(port))
        await stack.enter_async_context(served(line))
        far = Database(url.replace(f":{port}/", f":{line.port}/"), schema="api", pool_connections=1)
        stack.push_async_callback(far.dispose)
        await _locks(far)
        line.cut = True
        asking = asyncio.create_task(_locks(far))

        async def asked() -> bool:
            return line.swallowed_bytes > 0

        await eventually(asked)
        asking.cancel()
        async with asyncio.timeout(5 * SHORT_SECONDS):
            await asyncio.wait([asking])
        line.cut = False
        await _locks(far)
