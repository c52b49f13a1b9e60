"""Pacing: the first round after a rest is at once, the next ones are spaced."""

import asyncio

from shared.process.pacing import Pacing


async def test_rounds_are_spaced_and_a_rest_is_not_counted() -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    pacing = Pacing(0.05, sleep=note)
    await pacing.begin()
    assert pauses == [], "at once"
    await pacing.begin()
    assert len(pauses) == 1
    assert 0.03 < pauses[0] <= 0.05
    await asyncio.sleep(0.06)
    await pacing.begin()
    assert len(pauses) == 1, "a round after a rest is at once again"


async def test_some_rounds_may_follow_each_other_after_a_rest_and_no_more() -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    pacing = Pacing(10.0, rounds_at_once=3, sleep=note)
    for _ in range(3):
        await pacing.begin()
    assert pauses == [], "all at once"
    await pacing.begin()
    assert len(pauses) == 1
    assert 9.0 < pauses[0] <= 10.0
