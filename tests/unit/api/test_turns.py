"""Turns: bounded, and nobody's many before another's one."""

import asyncio
from collections.abc import Awaitable

import pytest

from services.api.edges.db.turns import Turns
from shared.db.group_commit import Overloaded


def turns(**limits: float) -> Turns:
    values = {"at_once": 3, "at_once_of_org": 2, "waiting_of_org": 40, "wait_seconds": 30.0, **limits}
    return Turns(**values)  # type: ignore[arg-type]


class Hall:
    """Tasks that have a turn until they are told to go; `order` is the organisations in the order of their turns."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[int] = []
        self.inside: list[int] = []
        self.leave: dict[int, asyncio.Queue[None]] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, org_id: int, count: int = 1) -> None:
        """Let tasks of an organisation come, and get as far as they get."""
        self.tasks += [asyncio.create_task(self._one(org_id)) for _ in range(count)]
        await settled()

    async def go(self, org_id: int) -> None:
        """Let one that has a turn leave."""
        self.leave[org_id].put_nowait(None)
        await settled()

    async def _one(self, org_id: int) -> None:
        async with self.turns.turn(org_id):
            self.order.append(org_id)
            self.inside.append(org_id)
            await self.leave.setdefault(org_id, asyncio.Queue()).get()
            self.inside.remove(org_id)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_organisation_has_no_more_than_its_share_however_much_it_asks() -> None:
    hall = Hall(turns())
    await hall.come(1, 40)
    assert hall.inside == [1, 1]
    await hall.come(2)
    assert hall.inside == [1, 1, 2], "another one has a turn at once"
    await hall.come(3)
    assert hall.inside == [1, 1, 2]
    await hall.go(1)
    assert sorted(hall.inside) == [1, 2, 3], "one that came last and waits alone is not behind the forty"
    for _ in range(39):
        await hall.go(1)
        await hall.go(2) if 2 in hall.inside else await hall.go(3) if 3 in hall.inside else None
    assert hall.order.count(1) == 40


async def test_those_that_wait_are_served_in_rotation() -> None:
    hall = Hall(turns(at_once=1, at_once_of_org=1))
    await hall.come(9)
    for org_id in (1, 2, 3):
        await hall.come(org_id, 2)
    for org_id in (9, 1, 2, 3, 1, 2, 3):
        assert hall.inside == [org_id]
        await hall.go(org_id)
    assert hall.inside == []


async def test_more_than_may_wait_is_refused_at_once_and_only_for_that_organisation() -> None:
    one = turns(at_once=2, at_once_of_org=1, waiting_of_org=2)
    hall = Hall(one)
    await hall.come(1, 3)
    with pytest.raises(Overloaded):
        await within(one, 1)
    await within(one, 2)


async def test_a_wait_ends_and_leaves_its_place_to_others() -> None:
    one = turns(at_once=1, at_once_of_org=1, wait_seconds=0.01)
    hall = Hall(one)
    await hall.come(1)
    with pytest.raises(Overloaded):
        await within(one, 1)
    await hall.go(1)
    await within(one, 1)


async def test_who_goes_away_while_waiting_or_when_called_takes_no_turn_along() -> None:
    one = turns(at_once=1, at_once_of_org=1)
    hall = Hall(one)
    await hall.come(1, 2)
    waiting = hall.tasks[1]
    waiting.cancel()
    await settled()
    await hall.come(1)
    called = hall.tasks[2]
    hall.leave[1].put_nowait(None)
    while 1 in hall.inside:  # noqa: ASYNC110 - the very moment counts
        await asyncio.sleep(0)
    called.cancel()  # its turn was given in this very moment
    await settled()
    await within(one, 1)
    assert hall.inside == []


def within(turns: Turns, org_id: int) -> Awaitable[None]:
    async def have_one() -> None:
        async with turns.turn(org_id):
            pass

    return have_one()
