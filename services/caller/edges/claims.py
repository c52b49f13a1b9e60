"""Claims waiting attempts while this process has room."""

import asyncio
from contextlib import suppress

from services.caller.domain import limits
from services.caller.edges.db.claiming import claim
from services.caller.edges.taking import Taking
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.process.pacing import Pacing
from shared.telemetry import logs

RETRY_SECONDS = 0.5
ROUND_SECONDS = 0.02

log = logs.logger(__name__)


class Claims:
    """Looks for what waits: after it was told of some, when there is room again for more, and now and then."""

    def __init__(self, database: Database, taking: Taking) -> None:
        self._database = database
        self._taking = taking
        self._wanted = asyncio.Event()
        self._may_be_more = True
        self._pacing = Pacing(ROUND_SECONDS)
        self._last_org = 0

    def poke(self) -> None:
        """Look for waiting attempts now."""
        self._may_be_more = True
        self._wanted.set()

    def room_again(self) -> None:
        """Look for waiting attempts now, if any were left for want of room."""
        if self._may_be_more:
            self._wanted.set()

    async def claim_for_ever(self) -> None:
        """Claim when woken, and now and then for what other instances heard."""
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
        """Claim what surely has room, as it may have sound; return whether there may be more."""
        if not self._taking.room:
            return False
        async with self._database.transaction() as transaction:
            take = self._taking.reserve(transaction, [self._taking.weigh.heaviest] * limits.MAX_CLAIM_ATTEMPTS)
            self._may_be_more = False  # whoever lets some wait meanwhile says so
            claims = await claim(transaction, take, self._last_org)
        self._last_org = claims.last_org
        self._may_be_more |= claims.may_be_more
        return claims.may_be_more
