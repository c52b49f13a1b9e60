"""What is committed of calls after they were taken, all that is ready at one time together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.caller.domain.attempt import Claimed, Ended
from services.caller.edges.db.attempts import RunAndToken, SqlAttempts
from services.caller.edges.held import Taken
from services.caller.usecases import saying
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.db.group_commit import GroupCommit
from shared.events.admissions import TestCallDispatched
from shared.messaging.messages import Say
from shared.messaging.outbox import Outbox
from shared.telemetry import logs

T = TypeVar("T")

BACK_OFF_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)
# While PostgreSQL is away what happened is worth writing down later, as long as the token is still this worker's.
RETRY_SECONDS = 300.0
# A call that is over by then says its start with its end.
START_PAUSE_SECONDS = 0.02

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class _Start:
    claimed: Claimed
    dispatch: TestCallDispatched
    answered_at: float
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class _End:
    claimed: Claimed
    dispatch: TestCallDispatched
    ended: Ended
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class _PutBack:
    claimed: Claimed
    dispatch: TestCallDispatched


_Stage = _Start | _End | _PutBack


class GroupedStages:
    """Stages through one group commit, one after the other: of a call, no end overtakes a start. `run` has to run."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._stages = GroupCommit[_Stage, bool](self._commit)

    async def run(self) -> None:
        """Commit for ever."""
        await self._stages.run()

    async def start(
        self, claimed: Claimed, dispatch: TestCallDispatched, answered_at: float, traceparent: str | None
    ) -> bool:
        await asyncio.sleep(START_PAUSE_SECONDS)
        try:
            return await self._submit(_Start(claimed, dispatch, answered_at, traceparent))
        except Exception as error:
            log.warning("start left to the end", extra={"error": logs.error_name(error), "run_id": claimed.run_id})
            return True

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, ended: Ended, traceparent: str | None) -> bool:
        return await self._submit(_End(claimed, dispatch, ended, traceparent))

    async def put_back(self, claimed: Claimed, dispatch: TestCallDispatched) -> None:
        await self._submit(_PutBack(claimed, dispatch))

    async def _submit(self, stage: _Stage) -> bool:
        return await _patiently(lambda: self._stages.submit(stage), RETRY_SECONDS)

    async def _commit(self, stages: Sequence[_Stage]) -> list[bool]:
        now = asyncio.get_running_loop().time()
        starts = [one for one in stages if isinstance(one, _Start)]
        ends = [one for one in stages if isinstance(one, _End)]
        backs = [Taken(one.claimed, one.dispatch) for one in stages if isinstance(one, _PutBack)]
        async with self._database.transaction() as transaction:
            attempts = SqlAttempts(transaction)
            started = await _start(attempts, starts, now) if starts else {}
            ended = await _end(attempts, ends, now) if ends else {}
            if backs:
                await attempts.put_back(backs)
            await self._outbox.write(
                transaction, [*started.values(), *(say for says in ended.values() for say in says)]
            )
        return [one.claimed.key in (ended if isinstance(one, _End) else started) for one in stages]


async def _start(attempts: SqlAttempts, starts: Sequence[_Start], now: float) -> dict[RunAndToken, Say]:
    """Start what is ours; return what is to be said of each."""
    at = await attempts.start([one.claimed.key for one in starts], [now - one.answered_at for one in starts])
    return {
        one.claimed.key: saying.started(one.claimed, one.dispatch, at[one.claimed.key], one.traceparent)
        for one in starts
        if one.claimed.key in at
    }


async def _end(attempts: SqlAttempts, ends: Sequence[_End], now: float) -> dict[RunAndToken, list[Say]]:
    """End what is ours; return what is to be said of each: that it started as well, if nobody has said so."""
    at = await attempts.end(
        [one.claimed.key for one in ends],
        [None if one.ended.answered_at is None else now - one.ended.answered_at for one in ends],
        [one.ended.completed for one in ends],
    )
    said: dict[RunAndToken, list[Say]] = {}
    for one in ends:
        ending = at.get(one.claimed.key)
        if ending is None:
            continue
        started_at = ending.started_at
        says = said[one.claimed.key] = []
        if ending.starts and started_at is not None:
            says.append(saying.started(one.claimed, one.dispatch, started_at, one.traceparent))
        says.append(
            saying.ended(
                one.claimed,
                one.dispatch,
                one.ended,
                one.traceparent,
                started_at=started_at,
                ended_at=ending.ended_at,
            )
        )
    return said


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
