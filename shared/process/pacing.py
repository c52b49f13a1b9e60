"""Rounds of work that are spaced a little, so that each finds a batch instead of a single item."""

import asyncio
from collections.abc import Awaitable, Callable


class Pacing:
    """Spaces the beginnings of rounds by at least `interval_seconds`. A round after a rest begins at once.

    A transaction, a publication or a tick costs nearly the same for one item as for fifty. Without spacing a busy
    service runs many rounds of one or two items at its neighbours' expense; with it, the first item after a rest is as
    quick as ever, and under load the rounds fill up (figures: docs/performance.md). After a rest `rounds_at_once` may
    follow each other unspaced: what one item makes happen at short intervals does not wait for itself.
    """

    def __init__(
        self,
        interval_seconds: float,
        *,
        rounds_at_once: int = 1,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._credit_seconds = (rounds_at_once - 1) * interval_seconds
        self._sleep = sleep
        self._next_at = 0.0

    async def begin(self) -> bool:
        """Wait until the next round may begin. Returns whether there was something to wait for."""
        loop = asyncio.get_running_loop()
        pause = self._next_at - self._credit_seconds - loop.time()
        if pause > 0:
            await self._sleep(pause)
        now = loop.time()
        self._next_at = min(max(self._next_at, now), now + self._credit_seconds) + self._interval_seconds
        return pause > 0
