"""The one clock of all legs of a process."""

import asyncio
import time
from collections.abc import Callable

from services.caller.domain.media import FRAME_MS, Ticking, ToldOfFailure
from services.caller.metrics import MEDIA_TICK_LATE_SECONDS, MEDIA_TICKS_SKIPPED
from shared.telemetry import logs

FRAME_SECONDS = FRAME_MS / 1_000

log = logs.logger(__name__)


class Clock:
    """Deadlines are absolute, a frame apart. A tick that can't run within its own frame is left out, not made up for.

    It stands still while nobody ticks: a process without audio calls is not woken fifty times a second.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ticking: dict[int, Ticking] = {}
        self._wanted = asyncio.Event()
        self._skipped = 0

    def add(self, ticking: Ticking) -> None:
        """Call it at each tick from the next one on. *Idempotent.*"""
        self._ticking[id(ticking)] = ticking
        self._wanted.set()

    def remove(self, ticking: Ticking) -> None:
        """Call it no more, not even in the tick that goes on. *Idempotent.*"""
        self._ticking.pop(id(ticking), None)

    def skipped(self) -> int:
        """Return how many ticks were left out since the process began."""
        return self._skipped

    async def keep_time(self) -> None:
        """Tick while somebody wants it."""
        while True:
            if not self._ticking:
                self._wanted.clear()
                await self._wanted.wait()
            due = self._now() + FRAME_SECONDS
            while self._ticking:
                await asyncio.sleep(max(0.0, due - self._now()))
                due = self._tick_of(due)

    def _tick_of(self, due: float) -> float:
        """Run the tick that was due, or the last one of those that were; return when the next one is."""
        late = max(0.0, self._now() - due)
        if missed := int(late / FRAME_SECONDS):
            self._skipped += missed
            MEDIA_TICKS_SKIPPED.inc(missed)
            due += missed * FRAME_SECONDS
            late -= missed * FRAME_SECONDS
        MEDIA_TICK_LATE_SECONDS.observe(late)
        self._tick(late * 1_000)
        return due + FRAME_SECONDS

    def _tick(self, late_ms: float) -> None:
        for key, ticking in tuple(self._ticking.items()):
            if key not in self._ticking:
                continue
            try:
                ticking.tick(late_ms)
            except Exception as error:
                self.remove(ticking)
                log.exception("a tick failed", extra={"error": logs.error_name(error)})
                _tell(ticking, error)


def _tell(ticking: Ticking, error: Exception) -> None:
    if not isinstance(ticking, ToldOfFailure):
        return
    try:
        ticking.failed(error)
    except Exception as again:  # the other legs go on, whatever this one does
        log.exception("a failure could not be told", extra={"error": logs.error_name(again)})
