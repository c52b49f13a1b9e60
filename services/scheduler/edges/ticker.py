"""Gives slots when a clock says so: a stagger, a run's time, new room; now and then for what other instances left."""

import asyncio
import time
from contextlib import suppress

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.edges.db import SqlQueue
from services.scheduler.edges.statements import SECONDS_TO_NEXT, SECONDS_TO_NEXT_EXPIRY
from services.scheduler.usecases.give_slots import give_slots
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.messaging.outbox import Outbox
from shared.process.pacing import Pacing
from shared.telemetry import logs

RETRY_SECONDS = 0.5
ROUND_SECONDS = 0.02

log = logs.logger(__name__)


class Ticker:
    """One instance's ticks. Several instances may tick at once: organisations that another one serves are skipped."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._poked = asyncio.Event()
        self._pacing = Pacing(ROUND_SECONDS)
        self._out_of_room = False

    def wake_in(self, seconds: float) -> None:
        """Look in so many seconds. Later clocks need no call: a look finds the next one."""
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, self._poked.set)
        else:
            self._poked.set()

    async def run(self, outbox: Outbox) -> None:
        """Tick for ever, whenever a look says that something is due."""
        while True:
            await self._pacing.begin()
            self._poked.clear()
            try:
                pause = await self._seconds_to(SECONDS_TO_NEXT)
                if pause <= 0:
                    while await self.tick_once(outbox) >= limits.MAX_DISPATCHES_PER_TICK:
                        pass
                    pause = await self._seconds_to(SECONDS_TO_NEXT_EXPIRY if self._out_of_room else SECONDS_TO_NEXT)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("tick failed", extra={"error": logs.error_name(error)})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(pause, limits.SHORTEST_PAUSE_SECONDS)):
                    await self._poked.wait()

    async def tick_once(self, outbox: Outbox) -> int:
        """Run one tick in a transaction of its own; return how many runs it moved."""
        began = time.monotonic()
        async with self._database.transaction() as transaction:
            queue = SqlQueue(transaction, wake=self.wake_in)
            says = await give_slots(queue)
            await outbox.write(transaction, says)
        self._out_of_room = queue.out_of_room
        metrics.TICK_SECONDS.observe(time.monotonic() - began)
        return len(says)

    async def _seconds_to(self, question: str) -> float:
        """Ask when the next thing is due; at most `FALLBACK_LOOK_SECONDS` away."""
        async with self._database.reading() as transaction:
            seconds = await transaction.value(question)
        return limits.FALLBACK_LOOK_SECONDS if seconds is None else min(float(seconds), limits.FALLBACK_LOOK_SECONDS)
