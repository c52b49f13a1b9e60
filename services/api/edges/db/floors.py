"""Lists that are longer than is counted, remembered for a moment: who pages through one does not count it each time."""

import time
from collections.abc import Callable, Hashable

REMEMBERED_SECONDS = 5.0
MAX_REMEMBERED = 10_000


class Floors:
    """Which lists had more than is counted exactly. That one has become shorter since is seen a moment later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[Hashable, float] = {}

    def note(self, counted: Hashable) -> None:
        """Remember that a count came to its end before the list did."""
        if len(self._until) >= MAX_REMEMBERED:
            self._until.clear()
        self._until[counted] = self._clock() + REMEMBERED_SECONDS

    def knows(self, counted: Hashable) -> bool:
        """Say whether the same count came to its end a moment ago."""
        return self._until.get(counted, 0.0) > self._clock()
