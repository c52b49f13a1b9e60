"""A worker says how many calls it takes: at once, again and again, and that it takes no more."""

import asyncio

import pytest

from services.caller.domain import limits
from services.caller.edges.room import Room
from shared.events.executions import CallerRoomAnnounced
from tests.integration.caller.faults import OutboxIsBroken, UnreliableDatabase
from tests.integration.caller.instance import Caller, Callers
from tests.support.some_events import of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def room_of(caller: Caller, *, calls_up: int = 2) -> Room:
    """The announcements of a worker for 7 calls."""
    return Room(caller.database, caller.outbox, calls_limit=lambda: 7, calls_up=lambda: calls_up)


async def announced(caller: Caller) -> list[tuple[int, int]]:
    """Limit and calls up, as announced so far."""
    return [(one.calls_limit, one.calls_up) for one in of(await caller.said(), CallerRoomAnnounced)]


async def test_a_worker_announces_itself_again_and_again_under_one_id(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.caller.edges.room.ANNOUNCE_ROOM_EVERY_SECONDS", 0.01)
    announcing = asyncio.create_task(room_of(caller).announce_for_ever())

    async def three_times() -> bool:
        return len(await announced(caller)) >= 3

    await eventually(three_times)
    announcing.cancel()
    await asyncio.gather(announcing, return_exceptions=True)
    said = of(await caller.said(), CallerRoomAnnounced)
    assert {(one.calls_limit, one.calls_up) for one in said} == {(7, 2)}
    assert len({one.worker_id for one in said}) == 1
    instants = [one.announced_at for one in said]
    assert instants == sorted(set(instants))


async def test_two_workers_have_two_ids(caller: Caller) -> None:
    for room in (room_of(caller), room_of(caller)):
        await room.announce_once()
    assert len({one.worker_id for one in of(await caller.said(), CallerRoomAnnounced)}) == 2


async def test_a_worker_that_is_told_to_stop_takes_no_more_and_says_what_it_still_holds(caller: Caller) -> None:
    room = room_of(caller)
    await room.announce_once()
    await room.close()
    await room.announce_once()
    assert await announced(caller) == [(7, 2), (0, 2), (0, 2)]


async def test_a_database_that_is_away_stops_neither_the_announcements_nor_the_stop(
    callers: Callers, unreliable: UnreliableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.caller.edges.room.ANNOUNCE_ROOM_EVERY_SECONDS", 0.01)
    caller = await callers.another(database=unreliable)
    room = room_of(caller)
    unreliable.away = True
    announcing = asyncio.create_task(room.announce_for_ever())
    await room.close()
    unreliable.away = False

    async def again() -> bool:
        return (0, 2) in await announced(caller)

    await eventually(again)
    announcing.cancel()
    await asyncio.gather(announcing, return_exceptions=True)


async def test_whatever_goes_wrong_with_the_announcement_a_stop_goes_on(caller: Caller) -> None:
    caller.outbox.fails_with = [OutboxIsBroken()]
    await room_of(caller).close()
    assert await announced(caller) == []


def test_a_worker_is_heard_of_several_times_before_it_is_thought_to_be_gone() -> None:
    from services.scheduler.domain.limits import ROOM_HEARD_WITHIN_SECONDS

    assert ROOM_HEARD_WITHIN_SECONDS >= 4 * limits.ANNOUNCE_ROOM_EVERY_SECONDS
