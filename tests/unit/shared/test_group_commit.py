"""Group commit: one transaction for many, in order, and nobody pays for a neighbour."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from shared.db.group_commit import GroupCommit, Overloaded
from shared.errors import Poison, Transient


class Desk:
    """Notes its batches. `bad` items fail for good; while `gate` is closed nothing is applied."""

    def __init__(self, bad: frozenset[int] = frozenset()) -> None:
        self.batches: list[list[int]] = []
        self.bad = bad
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.fails_with: Exception | None = None

    async def apply(self, items: Sequence[int]) -> list[int]:
        self.begun.set()
        await self.gate.wait()
        self.batches.append(list(items))
        if self.fails_with is not None:
            raise self.fails_with
        if self.bad.intersection(items):
            raise Poison("a bad item")
        return [item * 10 for item in items]


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def group(desk: Desk) -> AsyncIterator[GroupCommit[int, int]]:
    group: GroupCommit[int, int] = GroupCommit(desk.apply, max_batch_items=8, max_waiting_items=20)
    task = asyncio.create_task(group.run())
    yield group
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def submit_all(group: GroupCommit[int, int], items: Sequence[int]) -> list[int | BaseException]:
    return list(await asyncio.gather(*(group.submit(item) for item in items), return_exceptions=True))


async def test_what_waits_shares_a_batch_and_keeps_its_order(desk: Desk, group: GroupCommit[int, int]) -> None:
    assert await submit_all(group, range(20)) == [item * 10 for item in range(20)]
    assert [item for batch in desk.batches for item in batch] == list(range(20))
    assert len(desk.batches) == 3, "batches of 8"


async def test_a_bad_item_fails_alone(desk: Desk, group: GroupCommit[int, int]) -> None:
    desk.bad = frozenset({3})
    results = await submit_all(group, range(8))
    assert isinstance(results[3], Poison)
    assert [result for nth, result in enumerate(results) if nth != 3] == [0, 10, 20, 40, 50, 60, 70]


async def test_a_passing_failure_is_not_tried_on_each_item(desk: Desk, group: GroupCommit[int, int]) -> None:
    desk.fails_with = Transient("the database is away")
    results = await submit_all(group, range(8))
    assert all(isinstance(result, Transient) for result in results)
    assert len(desk.batches) == 1


async def test_too_many_are_told_at_once(desk: Desk, group: GroupCommit[int, int]) -> None:
    desk.gate.clear()
    first = [asyncio.create_task(group.submit(item)) for item in range(8)]
    await desk.begun.wait()
    waiting = [asyncio.create_task(group.submit(item)) for item in range(8, 8 + 20)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await group.submit(99)
    desk.gate.set()
    assert await asyncio.gather(*first, *waiting) == [item * 10 for item in range(28)], "nobody else is turned away"


async def test_who_went_away_takes_the_item_along(desk: Desk, group: GroupCommit[int, int]) -> None:
    desk.gate.clear()
    first = asyncio.create_task(group.submit(1))
    await desk.begun.wait()  # what comes now waits for the next batch
    gone, stays = asyncio.create_task(group.submit(2)), asyncio.create_task(group.submit(3))
    await asyncio.sleep(0)
    gone.cancel()
    desk.gate.set()
    assert [await first, await stays] == [10, 30]
    assert 2 not in [item for batch in desk.batches for item in batch]


async def test_nobody_waits_for_ever_when_the_group_is_stopped(desk: Desk) -> None:
    group: GroupCommit[int, int] = GroupCommit(desk.apply)
    desk.gate.clear()
    task = asyncio.create_task(group.run())
    waiting = [asyncio.create_task(group.submit(item)) for item in range(3)]
    await desk.begun.wait()
    late = asyncio.create_task(group.submit(4))
    await asyncio.sleep(0)
    task.cancel()
    results = await asyncio.gather(*waiting, late, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
