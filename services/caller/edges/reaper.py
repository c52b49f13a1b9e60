"""Ends what no worker will end any more."""

import asyncio

from services.caller.domain import limits
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.usecases.give_up_overdue import give_up_overdue
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.messaging.outbox import Outbox
from shared.telemetry import logs

log = logs.logger(__name__)


class Reaper:
    """Any instance's reaper ends what is overdue, whoever had it."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def reap_for_ever(self) -> None:
        """Look for what is overdue now and then."""
        while True:
            try:
                await self.reap()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("reaping failed", extra={"error": logs.error_name(error)})
            await asyncio.sleep(limits.REAP_EVERY_SECONDS)

    async def reap(self) -> int:
        """End what is overdue, round after round while a round is full; return how many attempts failed."""
        given_up = 0
        for _ in range(limits.MAX_REAP_ROUNDS):
            failed = await self.reap_once()
            given_up += failed
            if failed < limits.MAX_REAP_ATTEMPTS:
                break
        if given_up:
            log.warning("attempts given up", extra={"attempts": given_up})
        return given_up

    async def reap_once(self) -> int:
        """End what is overdue, in one transaction; return how many attempts failed."""
        async with self._database.transaction() as transaction:
            says = await give_up_overdue(SqlAttempts(transaction))
            await self._outbox.write(transaction, says)
        return len(says)
