"""A poll behind a pause looks twice, and whatever becomes of the second look, the first one's records are there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException

from shared.messaging import polling
from shared.messaging.polling import SECOND_LOOK_BELOW_BYTES, SECOND_LOOK_MS, Polling

A, B = TopicPartition("a", 0), TopicPartition("b", 1)
WAIT_MS = 500

Look = Mapping[TopicPartition, Sequence[Any]] | Exception | Callable[[], Awaitable[Any]]


def _records(*offsets: int, value: bytes = b"") -> list[Any]:
    return [SimpleNamespace(offset=offset, value=value) for offset in offsets]


class Library:
    """A client that answers as a test says, a look for each answer."""

    def __init__(self, *looks: Look) -> None:
        self._looks = list(looks)
        self.asked: list[tuple[int, int]] = []

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Any:
        self.asked.append((timeout_ms, max_records))
        look = self._looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return await look() if callable(look) else {tp: list(records) for tp, records in look.items()}


def _polling(library: Library, *, paused: bool, max_records: int = 10) -> Polling:
    """One that has a pause behind it, or has rested."""
    some = Polling(library, max_records=max_records)
    some._paused = paused
    return some


async def _offsets(some: Polling) -> list[int]:
    return [record.offset for record in (await some.poll(WAIT_MS)).records]


async def test_behind_a_pause_what_came_during_it_is_taken_as_well_a_partition_in_a_row_and_in_order() -> None:
    library = Library({A: _records(1, 2)}, {B: _records(7), A: _records(3)})
    assert await _offsets(_polling(library, paused=True)) == [1, 2, 3, 7]
    assert library.asked == [(WAIT_MS, 10), (SECOND_LOOK_MS, 8)]


async def test_after_a_rest_nobody_waits_for_a_second_look() -> None:
    library = Library({A: _records(1)})
    assert await _offsets(_polling(library, paused=False)) == [1]
    assert library.asked == [(WAIT_MS, 10)]


async def test_beside_nothing_there_is_no_second_look() -> None:
    library = Library({})
    assert await _offsets(_polling(library, paused=True)) == []
    assert len(library.asked) == 1


async def test_a_pause_is_looked_behind_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(polling, "ROUNDS_AT_ONCE", 1)
    library = Library({A: _records(1)}, {A: _records(2)}, {A: _records(3)}, {A: _records(4)}, {A: _records(5)})
    some = Polling(library, max_records=10)
    assert await _offsets(some) == [1]
    await some.space()
    assert await _offsets(some) == [2], "the first round after a rest leaves nothing to wait for"
    await some.space()
    assert await _offsets(some) == [3, 4]
    assert await _offsets(some) == [5]
    assert len(library.asked) == 5, "no pause lies between the last two polls"


async def test_both_looks_together_bring_as_many_records_as_one_may() -> None:
    library = Library({A: _records(1, 2, 3)})
    assert await _offsets(_polling(library, paused=True, max_records=3)) == [1, 2, 3]
    assert len(library.asked) == 1, "there is no room for more"


async def test_a_first_look_that_brings_much_stays_alone() -> None:
    half = bytes(SECOND_LOOK_BELOW_BYTES // 2)
    library = Library({A: _records(1, 2, value=half)})
    assert await _offsets(_polling(library, paused=True)) == [1, 2]
    assert len(library.asked) == 1


async def test_a_second_look_that_fails_leaves_the_first_ones_records_and_its_failure() -> None:
    failure = CorruptRecordException()
    polled = await _polling(Library({A: _records(1)}, failure), paused=True).poll(WAIT_MS)
    assert [record.offset for record in polled.records] == [1]
    assert polled.failure is failure


async def test_a_second_look_that_waits_for_ever_leaves_the_first_ones_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polling, "POLL_LIMIT_SECONDS", 0.01)
    polled = await _polling(Library({A: _records(1)}, asyncio.Event().wait), paused=True).poll(WAIT_MS)
    assert [record.offset for record in polled.records] == [1]
    assert polled.failure is None


async def test_who_is_told_to_stop_in_a_second_look_stops() -> None:
    looking = asyncio.Event()

    async def look() -> None:
        looking.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(_polling(Library({A: _records(1)}, look), paused=True).poll(WAIT_MS))
    await looking.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
