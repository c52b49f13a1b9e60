"""This process's worker: claims waiting attempts while it has room, runs each as a task, keeps their leases."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from opentelemetry.trace import SpanKind

from services.caller.domain import limits
from services.caller.domain.attempt import Claimed
from services.caller.domain.call_clock import CallClock
from services.caller.domain.lease import Lease
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.ports import Parties, Stages
from services.caller.usecases.give_up_overdue import give_up_overdue
from services.caller.usecases.refuse_unreadable import refuse_unreadable
from services.caller.usecases.run_call import run_call
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.events.admissions import TestCallDispatched
from shared.messaging.outbox import Outbox
from shared.process.pacing import Pacing
from shared.telemetry import logs, metrics, names, tracing

RETRY_SECONDS = 0.5
ROUND_SECONDS = 0.02

log = logs.logger(__name__)


def boottime() -> float:
    """Return seconds on a clock that runs on while the machine is suspended, as the database's does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class _Held:
    claimed: Claimed
    lease: Lease
    task: asyncio.Task[None] | None = None


class Worker:
    """Runs calls, up to `calls_limit` at once."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        stages: Stages,
        parties: Parties,
        speed: float,
        calls_limit: int,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._stages = stages
        self._parties = parties
        self._speed = speed
        self._calls_limit = calls_limit
        self._clock = clock
        self._wanted = asyncio.Event()
        self._pacing = Pacing(ROUND_SECONDS)
        self._held: dict[int, _Held] = {}
        self._draining = False
        self._claiming = asyncio.Lock()
        self._hanging_up = False

    def poke(self) -> None:
        """Look for waiting attempts now."""
        self._wanted.set()

    def calls_up(self) -> int:
        """Return how many attempts this process holds."""
        return len(self._held)

    async def claim_for_ever(self) -> None:
        """Claim when woken, when there is room again, and now and then for what other instances heard."""
        while True:
            await self._pacing.begin()
            self._wanted.clear()
            try:
                while not self._draining and await self.claim_once():
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
            return not self._draining and await self._claim()

    async def _claim(self) -> bool:
        room = min(self._calls_limit - len(self._held), limits.MAX_CLAIM_ATTEMPTS)
        if room <= 0:
            return False
        asked_at = self._clock()
        async with self._database.transaction() as transaction:
            claimed = await SqlAttempts(transaction, poke=self.poke).claim(room)
        for one in claimed:
            held = self._held[one.run_id] = _Held(one, Lease(asked_at))
            held.task = asyncio.create_task(self._run(held), name=f"call {one.run_id}")
        metrics.CALLS_UP.set(len(self._held))
        return len(claimed) == room

    async def _run(self, held: _Held) -> None:
        claimed = held.claimed
        span = None
        fields = {"run_id": claimed.run_id, "call_id": claimed.call_id, **logs.trace_fields(claimed.traceparent)}
        try:
            try:
                dispatch = TestCallDispatched.model_validate_json(claimed.dispatch)
            except ValueError:
                log.error("stored dispatch is not readable", extra=fields)  # noqa: TRY400 - it would quote the prompt
                await self._refuse(claimed)
                return
            attributes = {names.ATTRIBUTE_RUN_ID: claimed.run_id, names.ATTRIBUTE_ORG_ID: dispatch.org_id}
            span = tracing.start(names.SPAN_CALL, SpanKind.INTERNAL, claimed.traceparent, attributes)
            ended = await run_call(
                claimed,
                dispatch,
                stages=self._stages,
                parties=self._parties,
                clock=CallClock(self._speed, lambda: self._may_speak(held)),
                shutting_down=lambda: self._hanging_up,
                traceparent=span.traceparent if span is not None else claimed.traceparent,
            )
            if ended is None:
                metrics.LEASES_LOST.inc()
                log.warning("call given up: it is not this worker's any more", extra=fields)
            else:
                reason = ended.conversation.end_reason if not ended.failure else "error"
                metrics.CALLS_ENDED.labels(reason).inc()
                if span is not None:
                    span.set(names.ATTRIBUTE_END_REASON, reason)
                log.info("call ended", extra={"end_reason": reason, "ms": ended.conversation.duration_ms, **fields})
        except Exception as error:
            metrics.CALLS_ENDED.labels("error").inc()
            log.exception("call failed on our side", extra={"error": logs.error_name(error), **fields})
        finally:
            if span is not None:
                span.end()
            if self._held.get(claimed.run_id) is held:  # not a later claim of the same run
                del self._held[claimed.run_id]
            metrics.CALLS_UP.set(len(self._held))
            self.poke()

    async def _refuse(self, claimed: Claimed) -> None:
        async with self._database.transaction() as transaction:
            says = await refuse_unreadable(SqlAttempts(transaction, poke=self.poke), claimed)
            await self._outbox.write(transaction, says)

    def _may_speak(self, held: _Held) -> bool:
        return not self._hanging_up and held.lease.holds(self._clock())

    async def keep_leases_for_ever(self) -> None:
        """Renew all leases now and then. A call whose lease is over hangs up by itself."""
        while True:
            await asyncio.sleep(limits.HEARTBEAT_SECONDS)
            try:
                await self.renew_once()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("leases not renewed", extra={"error": logs.error_name(error)})

    async def renew_once(self) -> None:
        """Renew all leases in one statement."""
        held = list(self._held.values())
        if not held:
            return
        asked_at = self._clock()
        async with self._database.transaction() as transaction:
            mine = await SqlAttempts(transaction, poke=self.poke).renew(
                [(one.claimed.run_id, one.claimed.token) for one in held]
            )
        for one in held:
            if one.claimed.run_id in mine:
                one.lease.renewed(asked_at)
            else:
                one.lease.lost()

    async def reap_for_ever(self) -> None:
        """Now and then end what no worker will end any more."""
        while True:
            try:
                await self.reap_once()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("reaping failed", extra={"error": logs.error_name(error)})
            await asyncio.sleep(limits.REAP_EVERY_SECONDS)

    async def reap_once(self) -> int:
        """End what is overdue; return how many attempts failed."""
        async with self._database.transaction() as transaction:
            says = await give_up_overdue(SqlAttempts(transaction, poke=self.poke))
            await self._outbox.write(transaction, says)
        if says:
            log.warning("attempts given up", extra={"attempts": len(says), "at": datetime.now(UTC).isoformat()})
        return len(says)

    async def drain(self) -> None:
        """Claim no more, let calls finish for `DRAIN_SECONDS`, then hang up the rest in order."""
        self._draining = True
        async with self._claiming:  # what a claim that is on its way brings is to be drained as well
            pass
        await self._wait(limits.DRAIN_SECONDS)
        if not self._held:
            return
        self._hanging_up = True
        log.warning("hanging up", extra={"calls": len(self._held)})
        try:
            async with self._database.transaction() as transaction:
                await SqlAttempts(transaction, poke=self.poke).put_back(
                    [one.claimed.key for one in self._held.values()]
                )
        except Exception as error:  # what is not put back waits for its lease to run out
            log.warning("not put back", extra={"error": logs.error_name(error)})
        await self._wait(limits.DRAIN_SECONDS / 2)

    async def _wait(self, seconds: float) -> None:
        tasks = [held.task for held in self._held.values() if held.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
