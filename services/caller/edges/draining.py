"""An orderly end: calls go on to their end, what was not dialled goes to others, the rest is hung up and says why."""

import asyncio
from math import ceil

from services.caller.domain import limits
from services.caller.edges.held import HeldCalls
from services.caller.edges.taking import Taking
from shared.process.draining import Wait
from shared.telemetry import logs

log = logs.logger(__name__)


class Draining:
    """Ends what is held here. `limit_seconds` of None: as long as the longest call that is up can last."""

    def __init__(self, taking: Taking, held: HeldCalls, *, limit_seconds: float | None) -> None:
        self._taking = taking
        self._held = held
        self._limit_seconds = limit_seconds
        self._hurry = asyncio.Event()
        self._until: float | None = None

    def waits_for(self) -> Wait:
        """Say what would be waited for, or is."""
        calls = len(self._held)
        return Wait(f"{calls} call{'' if calls == 1 else 's'} up", ceil(self._left_seconds()) if calls else 0)

    def hurry(self) -> None:
        """Wait no longer: hang up now."""
        self._hurry.set()

    async def drain(self) -> None:
        """Take no more, let calls finish, then hang up the rest in order."""
        await self._taking.stop()
        await asyncio.sleep(0)  # what was taken last has to begin, to know how long it takes
        self._until = asyncio.get_running_loop().time() + self._left_seconds()
        await self._finished_or_hurried(self._left_seconds())
        if self._held:
            log.warning("hanging up", extra={"calls": len(self._held)})
            self._held.silenced = True
            await self._finished(limits.HANG_UP_SECONDS)
        await self._taking.undoubted(limits.HANG_UP_SECONDS)

    def _left_seconds(self) -> float:
        if self._until is not None:
            return max(0.0, self._until - asyncio.get_running_loop().time())
        if self._limit_seconds is not None:
            return self._limit_seconds
        return max((one.lasts_seconds for one in self._held), default=0.0)

    async def _finished_or_hurried(self, seconds: float) -> None:
        hurried = asyncio.create_task(self._hurry.wait())
        finished = asyncio.create_task(self._finished(seconds))
        await asyncio.wait({hurried, finished}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        finished.cancel()

    async def _finished(self, seconds: float) -> None:
        tasks = [held.task for held in self._held if held.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
