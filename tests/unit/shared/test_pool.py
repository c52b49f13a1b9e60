"""Connections are lent one at a time to each who asks, the last one used first, and never more than allowed."""

import asyncio
from typing import Any

import pytest

from shared.db.failures import is_too_much, is_transient
from shared.db.pool import NoConnection, Pool


class Driver:
    """A connection that remembers its end."""

    def __init__(self, number: int) -> None:
        self.number, self.closed = number, False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True

    async def close(self, *, timeout: float) -> None:
        self.closed = True


class Server:
    """Makes drivers, or fails to."""

    def __init__(self) -> None:
        self.made: list[Driver] = []
        self.away = False

    async def connect(self) -> Any:
        if self.away:
            raise ConnectionRefusedError
        self.made.append(Driver(len(self.made)))
        return self.made[-1]

    def pool(self, connections: int = 2, *, wait_seconds: float = 5.0) -> Pool:
        return Pool(self.connect, connections=connections, wait_seconds=wait_seconds)


async def test_the_connection_that_was_used_last_is_lent_first() -> None:
    server = Server()
    pool = server.pool()
    async with pool.connection() as first, pool.connection() as second:
        assert first is not second
    for _ in range(3):
        async with pool.connection() as again:
            assert again is first  # it came back after the other one
    assert len(server.made) == 2


async def test_who_finds_none_waits_for_one_and_not_for_ever() -> None:
    pool = Server().pool(1, wait_seconds=0.05)
    async with pool.connection() as lent:
        with pytest.raises(NoConnection) as waited:
            async with pool.connection():
                pass
        assert is_transient(waited.value)
        assert not is_too_much(waited.value), "half of the work would have waited as long"
    async with pool.connection() as again:
        assert again is lent


async def test_more_than_there_are_take_turns() -> None:
    server = Server()
    pool, up, most = server.pool(3), 0, 0

    async def use() -> None:
        nonlocal up, most
        async with pool.connection():
            up += 1
            most = max(most, up)
            await asyncio.sleep(0)
            up -= 1

    await asyncio.gather(*(use() for _ in range(30)))
    assert most == len(server.made) == 3


async def test_one_that_was_closed_meanwhile_is_replaced() -> None:
    server = Server()
    pool = server.pool()
    async with pool.connection() as lent:
        lent.terminate()
    async with pool.connection() as another:
        assert not another.is_closed()
    assert len(server.made) == 2


async def test_who_cannot_connect_or_waits_no_longer_takes_no_place() -> None:
    server = Server()
    pool = server.pool(1)
    server.away = True
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            async with pool.connection():
                pass
    server.away = False
    async with pool.connection():
        waiting = [asyncio.create_task(pool.connection().__aenter__()) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with pool.connection():
        pass
    assert len(server.made) == 1


async def test_a_pool_that_is_closed_closes_what_is_idle_and_what_comes_back() -> None:
    server = Server()
    pool = server.pool()
    async with pool.connection() as in_use:
        async with pool.connection() as idle:
            pass
        await pool.close()
        assert idle.is_closed()
        assert not in_use.is_closed()
        async with pool.connection() as fresh, pool.connection():
            assert fresh is server.made[2], "what is still in use takes nobody's place"
    assert in_use.is_closed()
    async with pool.connection() as again:
        assert again in server.made[2:]
