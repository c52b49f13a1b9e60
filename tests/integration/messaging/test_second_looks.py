"""Whatever comes between a poll's two looks, its records are applied once and in order (real Kafka)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CorruptRecordException, NoOffsetForPartitionError

from shared.messaging import polling
from shared.process.pacing import Pacing
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy, a_deposit, a_toy, kept_running, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

OF_PARTITION_0, OF_PARTITION_1 = 2, 1  # organisations, by the hash of their keys
FIRST, SECOND = ["first0", "first1"], ["second0", "second1"]

Between = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture(autouse=True)
def always_behind_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look twice in every poll but the first."""
    begin = Pacing.begin

    async def paused(pacing: Pacing) -> bool:
        await begin(pacing)
        return True

    monkeypatch.setattr(Pacing, "begin", paused)


class Looks:
    """Lets a test into the first second look; the client is otherwise as it is."""

    def __init__(self, toy: Toy, monkeypatch: pytest.MonkeyPatch, between: Between) -> None:
        self._toy = toy
        self._between = between
        self.entered = 0
        getmany = AIOKafkaConsumer.getmany

        async def looked(client: AIOKafkaConsumer, *, timeout_ms: int, **more: Any) -> Any:
            async def second() -> Any:
                return await getmany(client, timeout_ms=1_000, **more)

            if timeout_ms != polling.SECOND_LOOK_MS:
                return await getmany(client, timeout_ms=timeout_ms, **more)
            self.entered += 1
            return await (self._between(second) if self.entered == 1 else second())

        monkeypatch.setattr(AIOKafkaConsumer, "getmany", looked)

    async def begun(self) -> None:
        """Have a first poll behind us, so that the next one looks twice."""
        await self._toy.publish(a_deposit("begun"))
        await _has(self._toy, "begun")
        await self._toy.publish(*_deposits(FIRST))


def _deposits(ids: list[str]) -> list[Any]:
    """One of each partition."""
    return [a_deposit(one, org_id=org) for one, org in zip(ids, (OF_PARTITION_0, OF_PARTITION_1), strict=True)]


async def _all_of_the_second(toy: Toy, look: Callable[[], Awaitable[Any]]) -> dict[Any, list[Any]]:
    """Publish them, and look until they were all taken."""
    await toy.publish(*_deposits(SECOND))
    taken: dict[Any, list[Any]] = {}
    while sum(b"second" in record.value for records in taken.values() for record in records) < len(SECOND):
        for tp, records in (await look()).items():
            taken.setdefault(tp, []).extend(records)
    return taken


async def _has(toy: Toy, *ids: str) -> None:
    async def all_there() -> bool:
        return len(await toy.ids()) >= len(ids)

    await eventually(all_there, what=f"the deposits {ids}")
    assert sorted(await toy.ids()) == sorted(ids)


async def _ends_well(toy: Toy) -> None:
    """Nothing is missing, twice or out of order, and it goes on."""
    await _has(toy, "begun", *FIRST, *SECOND)
    await toy.publish(a_deposit("last", org_id=OF_PARTITION_0), a_deposit("last too", org_id=OF_PARTITION_1))
    await _has(toy, "begun", *FIRST, *SECOND, "last", "last too")
    written = await toy.ids()
    for first, second, last in zip(FIRST, SECOND, ("last", "last too"), strict=True):
        assert written.index(first) < written.index(second) < written.index(last)


async def test_what_comes_between_the_looks_is_applied_with_the_first(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def between(look: Callable[[], Awaitable[Any]]) -> Any:
        return await _all_of_the_second(toy, look)

    async with running(toy):
        looks = Looks(toy, monkeypatch, between)
        await looks.begun()
        await _ends_well(toy)
        assert looks.entered > 0


@pytest.mark.parametrize("failure", [CorruptRecordException(), NoOffsetForPartitionError(), OSError()], ids=repr)
async def test_a_second_look_that_fails_and_loses_what_it_took_costs_no_record_and_doubles_none(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async def between(look: Callable[[], Awaitable[Any]]) -> Any:
        await _all_of_the_second(toy, look)  # the library says that these were taken
        raise failure

    async with kept_running(toy):
        looks = Looks(toy, monkeypatch, between)
        await looks.begun()
        await _ends_well(toy)
        assert looks.entered > 0


async def test_what_was_taken_first_is_applied_though_the_second_look_never_ends(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "POLL_LIMIT_SECONDS", 1.0)

    async def between(look: Callable[[], Awaitable[Any]]) -> Any:
        await asyncio.Event().wait()

    async with running(toy):
        looks = Looks(toy, monkeypatch, between)
        await looks.begun()
        await _has(toy, "begun", *FIRST)
        await toy.publish(*_deposits(SECOND))
        await _ends_well(toy)
        assert looks.entered > 0


async def test_who_stops_between_the_looks_leaves_the_records_to_the_next(
    toy: Toy, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = asyncio.Event()

    async def between(look: Callable[[], Awaitable[Any]]) -> Any:
        looking.set()
        await asyncio.Event().wait()

    async with running(toy):
        await Looks(toy, monkeypatch, between).begun()
        await looking.wait()
    again = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    await again.publish(*_deposits(SECOND))
    async with running(again):
        await _ends_well(again)


async def test_partitions_that_are_lost_between_the_looks_are_the_others_alone(
    toy: Toy, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    looking, lost = asyncio.Event(), asyncio.Event()

    async def between(look: Callable[[], Awaitable[Any]]) -> Any:
        looking.set()
        await lost.wait()
        return await look()

    monkeypatch.setattr(polling, "POLL_LIMIT_SECONDS", 60.0)  # it is to be in the look when they are lost
    async with running(toy):
        await Looks(toy, monkeypatch, between).begun()
        await looking.wait()
        async with running(other):

            async def heard() -> bool:
                return len(other.consumer._hearing._assigned) == 1

            await eventually(heard, what="the other has one partition")
            await toy.publish(*_deposits(SECOND))
            lost.set()
            await _ends_well(toy)
