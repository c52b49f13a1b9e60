"""Waits in a call: for what the ticks bring about, or for what takes real time beside them, until the call is over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.caller.domain.conversation import SILENT
from services.caller.domain.limits import MAX_TURN_SECONDS
from services.caller.domain.media import Telling
from services.caller.domain.turn import PartyError, Side
from services.caller.domain.voice.ears import MS_PER_SECOND, Ears
from services.caller.domain.voice.line import Line
from services.caller.domain.voice.phone import Phone
from services.caller.domain.voice.sentences import OTHER, Over, left_by

T = TypeVar("T")


def never() -> bool:
    """Say no."""
    return False


class Patience:
    """One side's waiting."""

    def __init__(self, side: Side, phone: Phone, line: Line, ears: Ears) -> None:
        self._side = side
        self._phone = phone
        self._line = line
        self._ears = ears

    async def until(self, ready: Callable[[], bool], within_ms: int | None = None) -> bool:
        """Wait as on the line. Raises Over when the call is over meanwhile, SpeechError when nothing can be read."""
        await self._line.until(lambda: ready() or self._is_over(), within_ms)
        if (how := self._phone.leg.ended) is not None:
            if how == "far_end" and isinstance(self._phone.leg, Telling) and self._phone.leg.ending == "transfer":
                raise Over("transfer")
            raise left_by(OTHER[self._side], how)
        if self._time_is_up():
            raise Over("timeout")
        if self._ears.fault is not None:
            raise self._ears.fault
        return ready()

    async def pause(self, ms: int) -> None:
        """Wait for so long."""
        await self.until(never, max(0, ms))

    async def for_task(self, asked: Awaitable[T], given_up: Callable[[], bool] = never) -> T | None:
        """Wait for what takes real time; None if given up. Raises what it raises, PartyError if it never ends."""
        task = asyncio.ensure_future(asked)
        try:
            await asyncio.sleep(0)  # most minds answer at once, and a tick is long
            if not await self.until(lambda: task.done() or given_up(), round(MAX_TURN_SECONDS * MS_PER_SECOND)):
                raise PartyError(SILENT[self._side])
            return task.result() if task.done() else None
        finally:
            task.cancel()

    def _is_over(self) -> bool:
        return self._phone.leg.ended is not None or self._time_is_up() or self._ears.fault is not None

    def _time_is_up(self) -> bool:
        return self._line.now_ms >= self._phone.limits.max_call_ms
