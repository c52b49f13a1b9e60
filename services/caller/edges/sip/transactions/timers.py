"""The timers of a transaction: they go when it does."""

import asyncio
from collections.abc import Callable
from math import inf


class Timers:
    """Timers that are stopped together."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running: set[asyncio.TimerHandle] = set()

    def once(self, seconds: float, do: Callable[[], None]) -> None:
        """Do it once, later."""

        def fire() -> None:
            self._running.discard(handle)
            do()

        handle = self._loop.call_later(seconds, fire)
        self._running.add(handle)

    def doubling(self, first_seconds: float, longest_seconds: float, do: Callable[[], None]) -> None:
        """Do it again and again, at intervals that double up to the longest."""

        def fire() -> None:
            do()
            self.doubling(min(2 * first_seconds, longest_seconds), longest_seconds, do)

        self.once(first_seconds, fire)

    def stop(self) -> None:
        """Stop them all."""
        for handle in self._running:
            handle.cancel()
        self._running.clear()


NO_LONGEST = inf
