"""Claims waiting attempts while this process has room."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from services.caller.domain import limits
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.edges.held import Held, HeldCalls
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.process.pacing import Pacing
from shared.telemetry import logs

RETRY_SECONDS = 0.5
ROUND_SECONDS = 0.02

log = logs.logger(__name__)


class Claims:
    """Holds up to `calls_limit` attempts at once; `run` is a call's life."""

    def __init__(
        self,
        database: Database,
        held: HeldCalls,
        *,
        calls_limit: int,
        now: Callable[[], float],
        run: Callable[[Held], Coroutine[Any, Any, None]],
    ) -> None:
        self._database = database
        self._held = held
        self._calls_limit = calls_limit
        self._now = now
        self._run = run
        self._wanted = asyncio.Event()
        self._pacing = Pacing(ROUND_SECONDS)
        self._claiming = asyncio.Lock()
        self._stopped = False
        self._last_org = 0

    def poke(self) -> None:
        """Look for waiting attempts now."""
        self._wanted.set()

    async def stop(self) -> None:
        """Claim nothing more. What a claim that is on its way brings is held when this returns."""
        self._stopped = True
        async with self._claiming:
            pass

    async def claim_for_ever(self) -> None:
        """Claim when woken, when there is room again, and now and then for what other instances heard."""
        while True:
            await self._pacing.begin()
            self._wanted.clear()
            try:
                while await self.claim_once():
                    pass
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("claiming failed", extra={"error": logs.error_name(error)})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(limits.CLAIM_FALLBACK_SECONDS):
                    await self._wanted.wait()

    async def claim_once(self) -> bool:
        """Claim as much as there is room for; return whether there may be more."""
        async with self._claiming:
            return not self._stopped and await self._claim()

    async def _claim(self) -> bool:
        room = min(self._calls_limit - len(self._held), limits.MAX_CLAIM_ATTEMPTS)
        if room <= 0:
            return False
        asked_at = self._now()
        async with self._database.transaction() as transaction:
            claims = await SqlAttempts(transaction, poke=self.poke).claim(room, self._last_org)
        self._last_org = claims.last_org
        for claimed in claims.attempts:
            held = self._held.take(claimed, asked_at=asked_at)
            held.task = asyncio.create_task(self._run(held), name=f"call {claimed.run_id}")
        return claims.may_be_more
