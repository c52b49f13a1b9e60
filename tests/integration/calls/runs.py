"""A run as the worker makes it, and what is said of it: over the exchange, without a database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.caller.domain.attempt import LOST, Claimed, Ended
from services.caller.domain.call_clock import CallClock
from services.caller.usecases import saying
from services.caller.usecases.run_call import run_call
from shared.events.admissions import TestCallDispatched
from shared.events.event import Event
from tests.integration.calls.exchange import Exchange
from tests.unit.caller.builders import a_claim


@dataclass
class Told:
    """`Stages` that keep what is said."""

    said: list[Event] = field(default_factory=list)
    _started_at: datetime | None = None

    async def start(
        self, claimed: Claimed, dispatch: TestCallDispatched, answered_at: float, traceparent: str | None
    ) -> bool:
        self._started_at = datetime.now(UTC)
        self.said.append(saying.started(claimed, dispatch, self._started_at, traceparent).event)
        return True

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, end: Ended, traceparent: str | None) -> bool:
        started_at = self._started_at or (datetime.now(UTC) if end.answered_at is not None else None)
        say = saying.ended(claimed, dispatch, end, traceparent, started_at=started_at, ended_at=datetime.now(UTC))
        self.said.append(say.event)
        return True

    async def put_back(self, claimed: Claimed, dispatch: TestCallDispatched) -> None:
        raise AssertionError("no lease was lost")


async def made(exchange: Exchange, dispatch: TestCallDispatched) -> Event:
    """Make a run, and return what is said of its end."""
    told = Told()
    await run_call(
        a_claim(dispatch.run_id),
        dispatch,
        stages=told,
        calls=exchange.calls,
        clock=CallClock(1.0, lambda: True),
        why_silent=lambda: LOST,
        traceparent=None,
    )
    return told.said[-1]
