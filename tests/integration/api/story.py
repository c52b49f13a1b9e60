"""The story of one accepted request: what billing, the scheduler and the caller say of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shared.events.admissions import TestCallExpired
from shared.events.billing import ChargeSettled, FundsDeclined, FundsReserved, ReservationReleased
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed, TranscriptTurn
from shared.events.fields import EndReason
from shared.events.requests import TestCallRequested
from tests.integration.api.builders import Org
from tests.support.some_events import FIGURES

RING_SECONDS = 2
EXPIRED = "No slot became free in time"
FAILED = "The agent did not answer"
TURNS = (
    TranscriptTurn(role="assistant", content_type="text/plain", content="Hello, how can I help?", start_ms=0, end_ms=9),
    TranscriptTurn(role="user", content_type="text/plain", content="Öffnungszeiten?", start_ms=10, end_ms=20),
)


@dataclass
class Story:
    """Every method returns an event; `nth` is the run's place in its request. Calls are placed a second apart."""

    org: Org
    request: TestCallRequested

    @property
    def batch_id(self) -> int | None:
        return self.request.batch_id

    @property
    def run_ids(self) -> list[int]:
        return [run.run_id for run in self.request.runs]

    @property
    def run_id(self) -> int:
        return self.run_ids[0]

    @property
    def call_id(self) -> int:
        return self.call_of(0)

    def call_of(self, nth: int) -> int:
        return self.run_ids[nth] + 7_000_000

    def placed_at(self, nth: int = 0) -> datetime:
        # Microseconds that are no whole millisecond: the contract shows milliseconds, events keep more.
        return (self.request.requested_at + timedelta(seconds=nth + 1)).replace(microsecond=123_456)

    def ended_at(self, nth: int = 0, duration_seconds: int = 54) -> datetime:
        return self.placed_at(nth) + timedelta(seconds=RING_SECONDS + duration_seconds)

    def reserved(self) -> FundsReserved:
        cents = self.request.price.estimated_cost_cents
        entries = tuple(self.org.entry("hold", cents, run_id=run, batch_id=self.batch_id) for run in self.run_ids)
        return FundsReserved(
            request_id=self.request.request_id,
            org_id=self.org.org_id,
            run_ids=tuple(self.run_ids),
            held_cents_per_run=cents,
            entries=entries,
            account=self.org.account(),
        )

    def declined(
        self, reason: Literal["insufficient_funds", "request_expired"] = "insufficient_funds"
    ) -> FundsDeclined:
        account = self.org.account()
        return FundsDeclined(request_id=self.request.request_id, org_id=self.org.org_id, reason=reason, account=account)

    def started(self, nth: int = 0) -> CallStarted:
        target = self.request.target
        outbound = self.request.direction == "outbound"
        return CallStarted(
            run_id=self.run_ids[nth],
            org_id=self.org.org_id,
            batch_id=self.batch_id,
            call_id=self.call_of(nth),
            agent_id=target.agent_id,
            direction="inbound" if outbound else "outbound",
            from_number=target.bot_number if outbound else target.agent_number,
            to_number=target.agent_number if outbound else target.bot_number,
            product=target.product,
            voice=target.voice,
            started_at=self.placed_at(nth),
        )

    def completed(
        self, nth: int = 0, *, duration_seconds: int = 54, end_reason: EndReason = "caller_hangup"
    ) -> TestCallCompleted:
        return TestCallCompleted(
            run_id=self.run_ids[nth],
            org_id=self.org.org_id,
            batch_id=self.batch_id,
            call_id=self.call_of(nth),
            started_at=self.placed_at(nth),
            ended_at=self.ended_at(nth, duration_seconds),
            duration_seconds=duration_seconds,
            end_reason=end_reason,
            transcript=TURNS,
            figures=FIGURES,
        )

    def failed(self, nth: int = 0, *, called: bool = True) -> TestCallFailed:
        return TestCallFailed(
            run_id=self.run_ids[nth],
            org_id=self.org.org_id,
            batch_id=self.batch_id,
            call_id=self.call_of(nth) if called else None,
            started_at=self.placed_at(nth) if called else None,
            ended_at=self.ended_at(nth, 0),
            duration_seconds=0 if called else None,
            error_message=FAILED,
            transcript=TURNS[:1] if called else (),
            figures=None,
        )

    def expired(self, nth: int = 0) -> TestCallExpired:
        return TestCallExpired(
            run_id=self.run_ids[nth],
            org_id=self.org.org_id,
            request_id=self.request.request_id,
            batch_id=self.batch_id,
            reason=EXPIRED,
            expired_at=self.placed_at(nth),
        )

    def settled(self, nth: int = 0) -> ChargeSettled:
        cents = self.request.price.estimated_cost_cents
        entry = self.org.entry(
            "settle", cents, run_id=self.run_ids[nth], batch_id=self.batch_id, call_id=self.call_of(nth)
        )
        return ChargeSettled(
            run_id=self.run_ids[nth],
            org_id=self.org.org_id,
            call_id=self.call_of(nth),
            settled_cents=cents,
            released_cents=0,
            billable_minutes=1,
            entries=(entry,),
            account=self.org.account(),
            billed_at=self.ended_at(nth) + timedelta(seconds=1),
        )

    def released(self, nth: int = 0, *, called: bool = True) -> ReservationReleased:
        cents = self.request.price.estimated_cost_cents
        call_id = self.call_of(nth) if called else None
        entry = self.org.entry("release", cents, run_id=self.run_ids[nth], batch_id=self.batch_id, call_id=call_id)
        return ReservationReleased(
            run_id=self.run_ids[nth],
            org_id=self.org.org_id,
            call_id=call_id,
            released_cents=cents,
            entries=(entry,),
            account=self.org.account(),
            billed_at=self.ended_at(nth) + timedelta(seconds=1),
        )
