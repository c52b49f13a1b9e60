"""Keeps the leases of what this process holds. Whatever fails here, the next heartbeat comes."""

import asyncio
from collections.abc import Callable

from services.caller.domain import limits
from services.caller.domain.lease import Renewal
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.edges.held import HeldCalls
from shared.db.database import Database
from shared.telemetry import logs

# An answer that has not come by then comes too late; the next question goes out over another connection.
ANSWER_SECONDS = 4.0
RETRY_SECONDS = 0.5

log = logs.logger(__name__)


class Leases:
    """`database` has one connection, for this alone: whoever waits for a connection does not delay a renewal."""

    def __init__(self, database: Database, held: HeldCalls, *, now: Callable[[], float]) -> None:
        self._database = database
        self._held = held
        self._now = now

    async def keep_for_ever(self) -> None:
        """Renew all leases now and then. A call whose lease is over hangs up by itself."""
        pause_seconds = limits.HEARTBEAT_SECONDS
        while True:
            await asyncio.sleep(pause_seconds)
            pause_seconds = limits.HEARTBEAT_SECONDS if await self._beat() else RETRY_SECONDS

    async def _beat(self) -> bool:
        """Renew all leases; return whether nothing is left to be asked again soon."""
        renewal = asyncio.create_task(self.renew_once())
        await asyncio.wait({renewal}, timeout=ANSWER_SECONDS)
        if not renewal.done():
            # A connection that swallows packets takes its time to end: it is not waited for, and not used again.
            renewal.cancel()
            await self._database.dispose(patience_seconds=0)
            log.warning("leases not renewed in time")
            return False
        try:
            return renewal.result()
        except Exception as error:
            log.warning("leases not renewed", extra={"error": logs.error_name(error)})
            return False

    async def renew_once(self) -> bool:
        """Renew all leases in one statement; return whether none was locked by somebody else just then."""
        held = tuple(self._held)
        if not held:
            return True
        asked_at = self._now()
        asked = [Renewal(*one.claimed.key, one.lease.seconds_to_ask_for(asked_at), one.clock.now_ms) for one in held]
        async with self._database.transaction() as transaction:
            renewed = await SqlAttempts(transaction).renew(asked)
        for one in held:
            if one.claimed.run_id in renewed.extended:
                one.lease.renewed(asked_at)
            elif one.claimed.run_id not in renewed.locked:
                one.lease.lost()
        self._held.cancel(renewed.canceled)
        return not renewed.locked
