"""This process's worker: runs each claimed attempt as a task. Claims, leases, reaper and the end are its parts."""

import time
from collections.abc import Callable

from opentelemetry.trace import SpanKind

from services.caller import metrics
from services.caller.domain import limits
from services.caller.domain.attempt import CANCELED, LOST, SHUT_DOWN, Claimed, Ended, NoEnd
from services.caller.domain.sound import Sound
from services.caller.edges.calls.metering import meter
from services.caller.edges.calls.weighing import Weighing
from services.caller.edges.claims import Claims
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.edges.draining import Draining
from services.caller.edges.held import Held, HeldCalls
from services.caller.edges.leases import Leases
from services.caller.edges.reaper import Reaper
from services.caller.edges.taking import Taking
from services.caller.ports import Calls, Stages
from services.caller.usecases.refuse_unreadable import refuse_unreadable
from services.caller.usecases.run_call import run_call
from shared.db.database import Database
from shared.events.admissions import TestCallDispatched
from shared.messaging.outbox import Outbox
from shared.telemetry import logs, names, tracing

log = logs.logger(__name__)


def boottime() -> float:
    """Return seconds on a clock that runs on while the machine is suspended, as the database's does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Worker:
    """Runs calls, up to `calls_limit` at once. `leases_database` has connections that nothing else waits for."""

    def __init__(
        self,
        *,
        database: Database,
        leases_database: Database,
        outbox: Outbox,
        stages: Stages,
        calls: Calls,
        speed: float,
        calls_limit: int,
        drain_seconds: float | None = None,
        weigh: Weighing | None = None,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._stages = stages
        self._calls = calls
        self._speed = speed
        self._now = clock
        self.held = HeldCalls(speed=speed, now=clock, weigh=weigh)
        self.taking = Taking(
            database, self.held, calls_limit=calls_limit, now=clock, run=self._run, poke=lambda: self.claims.poke()
        )
        self.claims = Claims(database, self.taking)
        self.leases = Leases(leases_database, self.held, now=clock)
        self.reaper = Reaper(database, outbox)
        self.draining = Draining(self.taking, self.held, limit_seconds=drain_seconds)

    async def _run(self, held: Held) -> None:
        claimed = held.claimed
        span = None
        fields = {"run_id": claimed.run_id, "call_id": claimed.call_id, **logs.trace_fields(claimed.traceparent)}
        try:
            dispatch = _read(held.taken.dispatch)
            if dispatch is None:
                log.error("stored dispatch is not readable", extra=fields)
                await self._refuse(claimed)
                return
            self._bound(held, dispatch)
            attributes = {names.ATTRIBUTE_RUN_ID: claimed.run_id, names.ATTRIBUTE_ORG_ID: dispatch.org_id}
            span = tracing.start(names.SPAN_CALL, SpanKind.INTERNAL, claimed.traceparent, attributes)
            ended = await run_call(
                claimed,
                dispatch,
                stages=self._stages,
                calls=self._calls,
                clock=held.clock,
                why_silent=lambda: CANCELED if held.is_canceled else SHUT_DOWN if self.held.silenced else LOST,
                traceparent=span.traceparent if span is not None else claimed.traceparent,
            )
            _tell(ended, span, fields)
        except Exception as error:
            metrics.CALLS_ENDED.labels("error").inc()
            log.exception("call failed on our side", extra={"error": logs.error_name(error), **fields})
        finally:
            if span is not None:
                span.end()
            self.held.let_go(held)
            self.claims.room_again()

    async def _refuse(self, claimed: Claimed) -> None:
        async with self._database.transaction() as transaction:
            says = await refuse_unreadable(SqlAttempts(transaction), claimed)
            await self._outbox.write(transaction, says)

    def _bound(self, held: Held, dispatch: TestCallDispatched) -> None:
        if self._now() >= held.dial_before:
            held.clock.stop()  # whoever comes to it too late puts it back
        held.weight = self.held.weigh(dispatch)
        self.claims.room_again()
        held.lasts_seconds = limits.drain_seconds(dispatch.held_minutes, self._speed)
        held.lease.ends_with(held.dial_before + limits.seconds_after_latest_start(dispatch.held_minutes, self._speed))


def _read(dispatch: TestCallDispatched | str) -> TestCallDispatched | None:
    if isinstance(dispatch, TestCallDispatched):
        return dispatch
    try:
        return TestCallDispatched.model_validate_json(dispatch)
    except ValueError:  # it would quote the prompt
        return None


def _tell(ended: Ended | NoEnd, span: tracing.RunningSpan | None, fields: dict[str, object]) -> None:
    if ended is NoEnd.NOT_DIALLED:
        log.info("not dialled, and put back", extra=fields)
        return
    if ended is NoEnd.NOT_MINE or ended.failure == LOST:
        metrics.LEASES_LOST.inc()
    if ended is NoEnd.NOT_MINE:
        log.warning("call given up: it is not this worker's any more", extra=fields)
        return
    reason = ended.conversation.end_reason if not ended.failure else "error"
    metrics.CALLS_ENDED.labels(reason).inc()
    if isinstance(ended.sound, Sound):
        meter(ended.sound)
    if span is not None:
        span.set(names.ATTRIBUTE_END_REASON, reason)
    log.info("call ended", extra={"end_reason": reason, "ms": ended.conversation.duration_ms, **fields})
