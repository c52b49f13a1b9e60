"""One clock for all legs: nobody's fault stops it, and it is never behind by more than a frame."""

import asyncio
from contextlib import suppress

import pytest

from services.caller.edges.media.clock import FRAME_SECONDS, Clock
from tests.support.waiting import eventually
from tests.unit.caller.media.hand_clock import Time


class Counting:
    """Counts its ticks; the one numbered `raises_at` fails."""

    def __init__(self, raises_at: int = 0) -> None:
        self.late_ms: list[float] = []
        self.raises_at = raises_at
        self.told: list[Exception] = []

    def tick(self, late_ms: float) -> None:
        self.late_ms.append(late_ms)
        if len(self.late_ms) == self.raises_at:
            raise RuntimeError("it broke")

    def failed(self, error: Exception) -> None:
        self.told.append(error)
        raise RuntimeError("it broke again")


class Plain:
    """Does not want to be told anything."""

    def tick(self, late_ms: float) -> None:
        raise RuntimeError("it broke")


def test_a_tick_that_raises_is_told_and_called_no_more_and_the_others_go_on() -> None:
    clock, well, ill = Clock(), Counting(), Counting(raises_at=2)
    for ticking in (Plain(), ill, well):
        clock.add(ticking)
    for _ in range(5):
        clock._tick(0.0)
    assert len(well.late_ms) == 5
    assert len(ill.late_ms) == 2
    assert [str(error) for error in ill.told] == ["it broke"]


def test_what_is_removed_in_a_tick_is_not_called_in_it_and_what_is_added_waits_for_the_next() -> None:
    clock, first, second, third = Clock(), Counting(), Counting(), Counting()

    class Removes:
        def tick(self, late_ms: float) -> None:
            clock.remove(second)
            clock.add(third)

    for ticking in (first, Removes(), second):
        clock.add(ticking)
    clock._tick(0.0)
    assert [len(one.late_ms) for one in (first, second, third)] == [1, 0, 0]
    clock._tick(0.0)
    assert [len(one.late_ms) for one in (first, second, third)] == [2, 0, 1]


@pytest.mark.parametrize(
    ("late_seconds", "skipped", "late_ms"), [(0.0, 0, 0), (0.019, 0, 19), (0.021, 1, 1), (0.055, 2, 15), (10.0, 500, 0)]
)
def test_deadlines_stay_where_they_are_and_those_of_a_stall_are_left_out(
    late_seconds: float, skipped: int, late_ms: float
) -> None:
    time = Time()
    clock, ticking = Clock(now=time), Counting()
    clock.add(ticking)
    due = time.now
    time.now += late_seconds + 1e-9
    following = clock._tick_of(due)
    assert clock.skipped() == skipped
    assert ticking.late_ms == [pytest.approx(late_ms, abs=0.01)]
    assert following == pytest.approx(due + (skipped + 1) * FRAME_SECONDS)
    assert time.now < following


async def test_it_ticks_while_somebody_wants_it_and_stands_still_otherwise() -> None:
    clock, first, second = Clock(), Counting(), Counting()
    running = asyncio.create_task(clock.keep_time())
    try:
        clock.add(first)
        await eventually(lambda: _ticked(first, 5), what="five ticks")
        clock.remove(first)
        await eventually(lambda: _waits(clock), what="rest")
        clock.add(second)
        await eventually(lambda: _ticked(second, 2), what="two ticks")
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _ticked(ticking: Counting, times: int) -> bool:
    return len(ticking.late_ms) >= times


async def _waits(clock: Clock) -> bool:
    return not clock._wanted.is_set()
