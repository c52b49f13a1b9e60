"""The end of a service: it may take as long as it says, is told of meanwhile, and is over sooner when told twice."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.process import service as process
from shared.process.draining import NOTHING, Wait
from shared.process.keep_running import Component
from shared.process.service import Service


async def nothing() -> None:
    """A part that has nothing to do."""


def a_service(
    drain: Callable[[], Awaitable[None]],
    waits_for: Callable[[], Wait] = lambda: NOTHING,
    hurry: Callable[[], None] = lambda: None,
) -> Service:
    return Service("toy", (Component("part", nothing),), nothing, drain, waits_for, hurry)


@pytest.fixture(autouse=True)
def stops_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.1)


class Calls:
    """What is waited for, until it is over."""

    def __init__(self, at_most_seconds: float) -> None:
        self.at_most_seconds = at_most_seconds
        self.over = asyncio.Event()
        self.ended = False

    async def drain(self) -> None:
        await self.over.wait()
        self.ended = True

    def waits_for(self) -> Wait:
        return Wait("1 call up", self.at_most_seconds)


async def test_it_takes_as_long_as_the_service_says_however_short_an_end_is_otherwise() -> None:
    calls = Calls(at_most_seconds=60)
    draining = asyncio.create_task(process._drain(a_service(calls.drain, calls.waits_for), asyncio.Event()))
    done, _ = await asyncio.wait({draining}, timeout=0.5)
    assert not done, "five times what an end takes otherwise"
    calls.over.set()
    await asyncio.wait_for(draining, timeout=10)
    assert calls.ended


async def test_what_comes_to_it_after_the_signal_has_its_time_too() -> None:
    """A claim that is on its way when the signal comes: nothing to wait for at first, a call a moment later."""
    calls = Calls(at_most_seconds=0)
    draining = asyncio.create_task(process._drain(a_service(calls.drain, calls.waits_for), asyncio.Event()))
    await asyncio.sleep(0)
    calls.at_most_seconds = 60
    done, _ = await asyncio.wait({draining}, timeout=0.5)
    assert not done
    calls.over.set()
    await asyncio.wait_for(draining, timeout=10)


async def test_a_drain_that_never_ends_is_left_behind_when_its_time_is_over() -> None:
    calls = Calls(at_most_seconds=0)
    await asyncio.wait_for(process._drain(a_service(calls.drain, calls.waits_for), asyncio.Event()), timeout=10)
    assert not calls.ended


async def test_a_drain_that_fails_does_not_keep_the_service_from_closing() -> None:
    async def fails() -> None:
        raise RuntimeError

    await asyncio.wait_for(process._drain(a_service(fails), asyncio.Event()), timeout=10)


async def test_who_is_told_twice_hurries() -> None:
    calls, hurrying = Calls(at_most_seconds=60), asyncio.Event()
    service = a_service(calls.drain, calls.waits_for, hurry=calls.over.set)
    draining = asyncio.create_task(process._drain(service, hurrying))
    hurrying.set()
    await asyncio.wait_for(draining, timeout=10)
    assert calls.ended


def test_who_drains_is_not_ready_and_says_what_it_waits_for() -> None:
    service = a_service(nothing, lambda: Wait("3 calls up", 70))
    assert (service.readiness().ready, service.readiness().draining) == (True, None)
    draining = service.readiness(draining=True)
    assert (draining.ready, draining.draining) == (False, Wait("3 calls up", 70))
    assert draining.parts == {"part": True}, "its parts go on"
