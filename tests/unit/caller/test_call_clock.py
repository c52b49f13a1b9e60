"""A call's own time: slept in slices, faster if wanted, and never on without a look at the lease."""

import pytest

from services.caller.domain.call_clock import SLICE_SECONDS, CallClock, LeaseLost


class Sleeper:
    """Notes what it was asked to sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_simulated_time_is_slept_at_the_call_s_speed() -> None:
    sleeper = Sleeper()
    clock = CallClock(20.0, lambda: True, sleeper)
    await clock.let_pass(10_000)
    assert clock.now_ms == 10_000
    assert sum(sleeper.slept) == pytest.approx(0.5)


async def test_no_slice_is_longer_than_the_time_between_two_looks_at_the_lease() -> None:
    sleeper, looks = Sleeper(), 0

    def may_speak() -> bool:
        nonlocal looks
        looks += 1
        return True

    await CallClock(1.0, may_speak, sleeper).let_pass(2_900)
    assert max(sleeper.slept) <= SLICE_SECONDS
    assert sum(sleeper.slept) == pytest.approx(2.9)
    assert looks > len(sleeper.slept), "one look before each slice, and one after the last"


async def test_what_really_took_time_is_counted_and_not_slept_again() -> None:
    sleeper = Sleeper()
    clock = CallClock(1.0, lambda: True, sleeper)
    clock.count(700)
    await clock.let_pass(300)
    assert clock.now_ms == 1_000
    assert sum(sleeper.slept) == pytest.approx(0.3)


async def test_without_a_lease_nothing_is_said_at_all() -> None:
    sleeper = Sleeper()
    clock = CallClock(1.0, lambda: False, sleeper)
    with pytest.raises(LeaseLost):
        await clock.let_pass(1_000)
    assert (sleeper.slept, clock.now_ms) == ([], 0)


async def test_a_lease_that_ends_in_the_middle_of_a_sentence_ends_it_within_a_slice() -> None:
    sleeper = Sleeper()
    clock = CallClock(1.0, lambda: len(sleeper.slept) < 3, sleeper)
    with pytest.raises(LeaseLost):
        await clock.let_pass(60_000)
    assert len(sleeper.slept) == 3


async def test_a_lease_that_ends_with_the_last_slice_is_noticed_too() -> None:
    sleeper = Sleeper()
    clock = CallClock(1.0, lambda: not sleeper.slept, sleeper)
    with pytest.raises(LeaseLost):
        await clock.let_pass(100)
