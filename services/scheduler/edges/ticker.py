"""Runs the ticks: when poked, at the next due time, and now and then for what other instances heard."""

import asyncio
import time
from contextlib import suppress

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.edges.db import SqlQueue
from services.scheduler.edges.statements import SECONDS_TO_NEXT, SECONDS_TO_NEXT_EXPIRY
from services.scheduler.usecases.tick import tick
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

    def poke(self) -> None:
        """Tick as soon as possible."""
        self._poked.set()

    async def run(self, outbox: Outbox) -> None:
        """Tick for ever."""
        while True:
            await self._pacing.begin()
            self._poked.clear()
            try:
                while await self.tick_once(outbox) >= limits.MAX_DISPATCHES_PER_TICK:
                    pass
                pause = await self._pause_seconds()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("tick failed", extra={"error": logs.error_name(error)})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._poked.wait()

    async def tick_once(self, outbox: Outbox) -> int:
        """Run one tick in a transaction of its own; return how many runs it moved."""
        began = time.monotonic()
        async with self._database.transaction() as transaction:
            queue = SqlQueue(transaction, poke=self.poke)
            says = await tick(queue)
            await outbox.write(transaction, says)
        self._out_of_room = queue.out_of_room
        metrics.TICK_SECONDS.observe(time.monotonic() - began)
        return len(says)

    async def _pause_seconds(self) -> float:
        async with self._database.reading() as transaction:
            seconds = await transaction.value(SECONDS_TO_NEXT_EXPIRY if self._out_of_room else SECONDS_TO_NEXT)
        if seconds is None:
            return limits.FALLBACK_TICK_SECONDS
        return min(max(float(seconds), limits.SHORTEST_PAUSE_SECONDS), limits.FALLBACK_TICK_SECONDS)
