"""The three commits of a call, each shared by all calls of the process that come to it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from services.caller.domain import limits
from services.caller.domain.attempt import Claimed, Ended
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.usecases import saying
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.db.group_commit import GroupCommit
from shared.events.admissions import TestCallDispatched
from shared.messaging.outbox import Outbox
from shared.telemetry import logs

T = TypeVar("T")

BACK_OFF_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)
# While PostgreSQL is away an end is worth waiting for, as long as the token is still this worker's.
END_RETRY_SECONDS = 300.0

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class _Starting:
    claimed: Claimed
    dispatch: TestCallDispatched
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class _Ending:
    claimed: Claimed
    dispatch: TestCallDispatched
    ended: Ended
    traceparent: str | None


class GroupedStages:
    """Stages through group commits. `run` has to run."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._dials = GroupCommit[Claimed, bool](self._dial)
        self._starts = GroupCommit[_Starting, datetime | None](self._start)
        self._ends = GroupCommit[_Ending, bool](self._end)

    async def run(self) -> None:
        """Commit for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dials.run())
            group.create_task(self._starts.run())
            group.create_task(self._ends.run())

    async def dial(self, claimed: Claimed) -> bool:
        return await _patiently(lambda: self._dials.submit(claimed), limits.START_RETRY_SECONDS)

    async def start(self, claimed: Claimed, dispatch: TestCallDispatched, traceparent: str | None) -> datetime | None:
        item = _Starting(claimed, dispatch, traceparent)
        return await _patiently(lambda: self._starts.submit(item), limits.START_RETRY_SECONDS)

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, ended: Ended, traceparent: str | None) -> bool:
        item = _Ending(claimed, dispatch, ended, traceparent)
        return await _patiently(lambda: self._ends.submit(item), END_RETRY_SECONDS)

    async def _dial(self, items: Sequence[Claimed]) -> list[bool]:
        async with self._database.transaction() as transaction:
            dialling = await SqlAttempts(transaction, poke=_nobody).dial([one.key for one in items])
        return [one.key in dialling for one in items]

    async def _start(self, items: Sequence[_Starting]) -> list[datetime | None]:
        mine = [one.claimed.key for one in items]
        async with self._database.transaction() as transaction:
            at = await SqlAttempts(transaction, poke=_nobody).start(mine)
            says = [
                saying.started(one.claimed, one.dispatch, at[one.claimed.key], one.traceparent)
                for one in items
                if one.claimed.key in at
            ]
            await self._outbox.write(transaction, says)
        return [at.get(one.claimed.key) for one in items]

    async def _end(self, items: Sequence[_Ending]) -> list[bool]:
        mine = [one.claimed.key for one in items]
        completed = frozenset(
            one.claimed.run_id for one in items if not one.ended.failure and one.ended.started_at is not None
        )
        async with self._database.transaction() as transaction:
            at = await SqlAttempts(transaction, poke=_nobody).end(mine, completed)
            says = [
                saying.ended(one.claimed, one.dispatch, one.ended, at[one.claimed.key], one.traceparent)
                for one in items
                if one.claimed.key in at
            ]
            await self._outbox.write(transaction, says)
        return [one.claimed.key in at for one in items]


def _nobody() -> None:
    """Stages wake nobody."""


async def _patiently(attempt: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Try again on transient failures, for `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    failures = 0
    while True:
        try:
            return await attempt()
        except Exception as error:
            pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
            if not is_transient(error) or loop.time() + pause > deadline:
                raise
            log.warning("stage retried", extra={"error": logs.error_name(error)})
            await asyncio.sleep(pause)
            failures += 1
