"""A call's own time: speech takes as long as speech takes, on a clock that can be sped up.

Speech and simulated pauses are slept at `speed`; what really took time (a mind behind HTTP) counts as it was. So
latency figures of real agents are true at any speed, and durations and bills are in the call's own time.
"""

import asyncio
from collections.abc import Awaitable, Callable

SLICE_SECONDS = 0.25  # how long a call may go on, at most, before it looks at its lease again


class LeaseLost(Exception):  # noqa: N818
    """The worker's lease is over: it has to be silent at once."""


class CallClock:
    """Milliseconds since the call's start. `may_speak` is asked at least every `SLICE_SECONDS`."""

    def __init__(
        self,
        speed: float,
        may_speak: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._speed = speed
        self._may_speak = may_speak
        self._sleep = sleep
        self._stopped = False
        self.now_ms = 0

    def stop(self) -> None:
        """Let it be over from now on, whatever the lease says."""
        self._stopped = True

    def twin(self) -> "CallClock":
        """Return a clock of its own under the same lease: another end of the same call."""
        return CallClock(self._speed, lambda: not self._stopped and self._may_speak(), self._sleep)

    def check(self) -> None:
        """Raise LeaseLost if the lease is over."""
        if self._stopped or not self._may_speak():
            raise LeaseLost

    async def let_pass(self, ms: int) -> None:
        """Let simulated time pass. Of time that is cut short, what has passed is counted."""
        start_ms = self.now_ms
        passed_ms = 0.0
        while passed_ms < ms:
            self.check()
            slice_seconds = min((ms - passed_ms) / 1_000 / self._speed, SLICE_SECONDS)
            await self._sleep(slice_seconds)
            passed_ms += SLICE_SECONDS * 1_000 * self._speed
            self.now_ms = start_ms + round(min(passed_ms, ms))
        self.check()

    def count(self, ms: int) -> None:
        """Count time that has really passed."""
        self.now_ms += ms
