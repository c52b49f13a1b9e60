"""Looks at the books every minute and tells Prometheus: /metrics, /healthz, /readyz."""

import asyncio
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from deploy.books import metrics
from deploy.books.check import GRACE_SECONDS, check
from deploy.books.kinds import KINDS, Finding
from deploy.books.report import for_people
from deploy.books.sources import CouldNotLook, open_sources
from shared.process.ops import Readiness, ops_app, ops_server
from shared.telemetry import logs

LOOK_EVERY_SECONDS = 60.0
WHOLE_EVERY_SECONDS = 6 * 3_600.0  # all that was ever accepted; in between, the last two hours and all that is open
READY_WITHIN_SECONDS = 5 * LOOK_EVERY_SECONDS

log = logs.logger(__name__)


@dataclass
class Watch:
    """Looks again and again; what could not be looked at is told as well."""

    urls: Mapping[str, str]
    grace_seconds: float = GRACE_SECONDS
    next_whole_at: float = 0.0
    looked_at: float | None = None
    named: set[object] = field(default_factory=set)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            began = time.monotonic()
            await self.look()
            await asyncio.sleep(max(0.0, began + LOOK_EVERY_SECONDS - time.monotonic()))

    async def look(self) -> None:
        """Look once, at everything when that is due."""
        whole = time.monotonic() >= self.next_whole_at
        kind = "whole" if whole else "recent"
        try:
            async with open_sources(self.urls) as sources:
                leaks = await check(sources, grace_seconds=self.grace_seconds, recent=not whole)
        except CouldNotLook as error:
            metrics.BOOKS_FAILURES.labels(kind).inc()
            log.exception("the books could not be read", extra={"reason": str(error)})
            return
        self.looked_at = time.monotonic()
        if whole:
            self.next_whole_at = self.looked_at + WHOLE_EVERY_SECONDS
        metrics.BOOKS_LOOKED_AT.labels(kind).set_to_current_time()
        self._tell(leaks)

    def _tell(self, leaks: list[Finding]) -> None:
        for kind in KINDS:
            ages = [one.age_seconds for one in leaks if one.kind == kind]
            metrics.BOOKS_LEAKS.labels(kind).set(len(ages))
            metrics.BOOKS_OLDEST_LEAK.labels(kind).set(max(ages, default=0.0))
        new = [one for one in leaks if one.key not in self.named]
        if new:
            log.error("leaks", extra={"leaks": for_people(new, seconds=0.0)})
        self.named = {one.key for one in leaks}

    def readiness(self) -> Readiness:
        """Ready while the books can be read, whatever is found in them."""
        ready = self.looked_at is not None and time.monotonic() - self.looked_at < READY_WITHIN_SECONDS
        return Readiness(ready, {"books": ready})


async def serve(urls: Mapping[str, str], *, host: str, port: int, grace_seconds: float) -> None:
    """Look and serve until SIGTERM or SIGINT."""
    logs.configure(service="books", level="INFO")
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    watch = Watch(urls, grace_seconds)
    server = ops_server(ops_app(watch.readiness), host, port)
    tasks = [asyncio.create_task(work) for work in (server.serve(), watch.run(), stopping.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await tasks[1]
    await tasks[0]
    tasks[2].cancel()
