"""A run and its call between two writes: what transitions look at, and what became of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from services.api.domain.recordings import EndedLeg, LegEnd, Recorded

UNREADABLE_END = "The result of the call could not be read"
NO_TURNS = "[]"
AGENTS_SIDE = {"outbound": "inbound", "inbound": "outbound"}


@dataclass(slots=True)
class Call:
    """A call's row as the API shows it. `direction` is the agent's; `transcript` and `figures` are JSON."""

    call_id: int
    agent_id: int
    direction: str
    from_number: str
    to_number: str
    product: str
    voice: str
    start_time: datetime
    end_time: datetime | None = None
    duration_seconds: int | None = None
    status: str = "in_progress"
    end_reason: str | None = None
    transcript: str = NO_TURNS
    figures: str | None = None
    sip_answered_at: datetime | None = None


@dataclass(slots=True)
class Run:
    """What of a run's row transitions look at; the columns in this order. Below: what became of it."""

    id: int
    org_id: int
    request_id: int
    batch_id: int | None
    agent_id: int
    direction: str
    target_number: str
    created_at: datetime
    status: str
    call_id: int | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: int | None
    error_message: str
    end_lost_at: datetime | None
    billed_at: datetime | None
    billed_cents: int | None
    billable_minutes: int | None
    funds_answered: bool
    sip_call_id: int | None  # the second leg's row, which the inbound webhook made under the run's lock
    stored_call_id: int | None  # whose row is there: under the run's lock nobody else adds it

    charged_call_id: int | None = None  # of the ledger: which call was charged or released, whoever told of it
    call: Call | None = None  # what is to be stored of its call
    second_leg: EndedLeg | None = None  # of that call's second leg
    recorded: list[Recorded] = field(default_factory=list)  # of either leg
    is_changed: bool = False
    is_seen: bool = False  # of the change: by the customer
    is_moved: bool = False  # to another status, or to other times
    is_billed: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether its end is known to nobody, so that billing's word ends it."""
        return self.end_lost_at is not None and self.completed_at is None

    def end(self, status: str, at: datetime, *, error_message: str = "", duration_seconds: int | None = None) -> None:
        """Complete or fail."""
        self.status, self.completed_at = status, at
        self.error_message, self.duration_seconds = error_message, duration_seconds
        self.is_changed = self.is_seen = self.is_moved = True

    def end_leg(self, end_reason: str | None, leg: LegEnd | None = None) -> None:
        """End the second leg with the run; `leg` is what that end told of it."""
        if self.sip_call_id is None or self.completed_at is None:
            return
        ended = EndedLeg(
            self.sip_call_id, self.completed_at, self.duration_seconds, self.status, end_reason, NO_TURNS, None, None
        )
        if leg is not None:
            ended = replace(
                ended,
                end_time=leg.ended_at or ended.end_time,
                duration_seconds=leg.duration_seconds,
                end_reason=end_reason if self.status == "failed" else leg.end_reason or end_reason,
                transcript=leg.transcript,
                figures=leg.figures,
                sip_answered_at=leg.answered_at,
            )
            if leg.recorded is not None:
                self.recorded.append(replace(leg.recorded, call_id=self.sip_call_id))
        self.second_leg = ended

    def keep(self, recorded: Recorded | None) -> None:
        """Keep what was recorded of its call, if there was one."""
        if recorded is not None and self.call_id is not None:
            self.recorded.append(replace(recorded, call_id=self.call_id))

    def end_call(
        self,
        *,
        end_reason: str | None,
        transcript: str = NO_TURNS,
        figures: str | None = None,
        answered_at: datetime | None = None,
    ) -> None:
        """End its call as it ended itself. A call whose start was not heard is made from what the run says."""
        if self.call_id is None or self.started_at is None:
            return
        call = self.call
        if call is None or call.call_id != self.call_id:
            outbound = self.direction == "outbound"
            call = self.call = Call(
                call_id=self.call_id,
                agent_id=self.agent_id,
                direction=AGENTS_SIDE[self.direction],
                from_number=self.target_number if outbound else "",
                to_number="" if outbound else self.target_number,
                product="",
                voice="",
                start_time=self.started_at,
            )
        call.end_time, call.duration_seconds, call.status = self.completed_at, self.duration_seconds, self.status
        call.end_reason, call.transcript, call.figures = end_reason, transcript, figures
        call.sip_answered_at = answered_at or call.sip_answered_at

    def end_as_billed(self) -> None:
        """End a run whose end is lost and that billing has answered: charged ones completed, released ones failed.

        How long the call was and how it ended is not known and not guessed at; the end is not later than shown.
        """
        if self.end_lost_at is None or self.billed_at is None or self.completed_at is not None:
            return
        ended_at = min(self.end_lost_at, self.billed_at)
        if self.started_at is not None:
            ended_at = max(self.started_at, ended_at)
        self.call_id = self.call_id if self.call_id is not None else self.charged_call_id
        self.started_at = (self.started_at or ended_at) if self.call_id is not None else None
        # Without a call nothing was charged but a tariff of zero.
        if self.billable_minutes != 0 and self.call_id is not None:
            self.end("completed", ended_at)
            self.end_call(end_reason=None)
            self.end_leg(None)
        else:
            self.end("failed", ended_at, error_message=UNREADABLE_END)
            self.end_call(end_reason="error")
            self.end_leg("error")
