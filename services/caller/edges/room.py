"""Announces this worker's room, again and again: the scheduler counts on those that it has heard of lately."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from services.caller.domain.limits import ANNOUNCE_ROOM_EVERY_SECONDS
from services.caller.usecases.announce_room import announce_room
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.messaging.outbox import Outbox
from shared.telemetry import logs

log = logs.logger(__name__)


class Room:
    """One process's room, under an id of its own that dies with it."""

    def __init__(
        self, database: Database, outbox: Outbox, *, calls_limit: Callable[[], int], calls_up: Callable[[], int]
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._worker_id = str(uuid4())
        self._calls_limit = calls_limit
        self._calls_up = calls_up

    async def announce_for_ever(self) -> None:
        """Announce now and then."""
        while True:
            try:
                await self.announce_once()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("room not announced", extra={"error": logs.error_name(error)})
            await asyncio.sleep(ANNOUNCE_ROOM_EVERY_SECONDS)

    async def close(self) -> None:
        """Take no more from now on. If it cannot be said, the silence will say it."""
        self._calls_limit = lambda: 0
        try:
            await self.announce_once()
        except Exception as error:  # whatever it is, the calls that are up have to be drained
            log.warning("room not closed", extra={"error": logs.error_name(error)})

    async def announce_once(self) -> None:
        """Announce the room as it is."""
        say = announce_room(
            self._worker_id, calls_limit=self._calls_limit(), calls_up=self._calls_up(), now=datetime.now(UTC)
        )
        async with self._database.transaction() as transaction:
            await self._outbox.write(transaction, [say])
