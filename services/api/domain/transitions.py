"""What may be said of a run, and what each word changes. Every transition is guarded by the state it starts from.

What a poll says is applied to each run one word after the other, and written once: the result is what many polls of one
word each would have left behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.api.domain.progress import Call, Run
from services.api.domain.recordings import LegEnd, Recorded


@dataclass(frozen=True, slots=True)
class Answered:
    """Billing has answered the request: its estimate does not count any more."""

    def apply(self, run: Run) -> None:
        """Change the run."""
        if not run.funds_answered:
            run.funds_answered = run.is_changed = True


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A queued run was declined, or has expired."""

    reason: str
    at: datetime

    def apply(self, run: Run) -> None:
        """Change the run."""
        if run.status == "queued":
            run.end("failed", self.at, error_message=self.reason)
            run.end_leg("error")


@dataclass(frozen=True, slots=True)
class Started:
    """The call was placed. It belongs to the run from then on, which writes its end into it."""

    call: Call

    def apply(self, run: Run) -> None:
        """Change the run."""
        if run.status == "queued":
            run.status, run.call_id, run.started_at = "in_progress", self.call.call_id, self.call.start_time
            run.call = self.call
            run.is_changed = run.is_seen = run.is_moved = True


@dataclass(frozen=True, slots=True)
class Completed:
    """The call ended in order."""

    call_id: int
    started_at: datetime
    ended_at: datetime
    duration_seconds: int
    end_reason: str
    transcript: str
    figures: str | None = None
    answered_at: datetime | None = None
    recorded: Recorded | None = None
    second_leg: LegEnd | None = None

    def apply(self, run: Run) -> None:
        """Change the run, unless it has ended. A completion that could not be read may come again, mended."""
        if run.completed_at is None or (run.status == "completed" and run.end_lost_at is not None):
            run.call_id, run.started_at, run.end_lost_at = self.call_id, self.started_at, None
            run.end("completed", self.ended_at, duration_seconds=self.duration_seconds)
            run.end_call(
                end_reason=self.end_reason,
                transcript=self.transcript,
                figures=self.figures,
                answered_at=self.answered_at,
            )
            run.end_leg(self.end_reason, self.second_leg)
            run.keep(self.recorded)


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended without a call that can be charged."""

    ended_at: datetime
    duration_seconds: int | None
    error_message: str
    transcript: str
    figures: str | None = None
    answered_at: datetime | None = None
    recorded: Recorded | None = None
    second_leg: LegEnd | None = None

    def apply(self, run: Run) -> None:
        """Change the run, and the call if one is known."""
        if run.status in ("queued", "in_progress"):
            run.end("failed", self.ended_at, error_message=self.error_message, duration_seconds=self.duration_seconds)
            run.end_call(
                end_reason="error", transcript=self.transcript, figures=self.figures, answered_at=self.answered_at
            )
            run.end_leg("error", self.second_leg)
            run.keep(self.recorded)


@dataclass(frozen=True, slots=True)
class Billed:
    """Billing's final word. A charge that could not be read has no cents and may come again, mended."""

    cents: int | None
    minutes: int | None
    at: datetime

    def apply(self, run: Run) -> None:
        """Change the run; end it if nobody else can."""
        if run.billed_at is None or run.billed_cents is None:
            run.billed_cents, run.billable_minutes, run.billed_at = self.cents, self.minutes, self.at
            run.is_changed = run.is_seen = run.is_billed = True
            run.end_as_billed()


@dataclass(frozen=True, slots=True)
class EndLost:
    """The run has completed, but nobody knows how: billing's word, heard already or not, ends it."""

    at: datetime

    def apply(self, run: Run) -> None:
        """Change the run."""
        if run.completed_at is None and run.end_lost_at is None:
            run.end_lost_at, run.is_changed = self.at, True
        run.end_as_billed()


@dataclass(frozen=True, slots=True)
class RecordingTold:
    """What became of a recording that had not been stored when its call ended: it may be heard before that end."""

    recorded: Recorded
    is_second_leg: bool

    def apply(self, run: Run) -> None:
        """Change the run: its recording can be fetched now, or never. Of a leg that has no call log nothing is kept."""
        call_id = run.sip_call_id if self.is_second_leg else self.recorded.call_id
        if call_id:
            run.recorded.append(replace(self.recorded, call_id=call_id))
            run.is_changed = run.is_seen = True


Transition = Answered | GivenUp | Started | Completed | Failed | Billed | EndLost | RecordingTold


@dataclass(slots=True)
class Notes:
    """What is said of runs and of whole requests, in the order in which it counts."""

    _said: list[tuple[bool, int, Transition]] = field(default_factory=list)

    def of_run(self, run_id: int, transition: Transition) -> None:
        """Note what is said of a run."""
        self._said.append((True, run_id, transition))

    def of_request(self, request_id: int, transition: Transition) -> None:
        """Note what is said of all runs of a request."""
        self._said.append((False, request_id, transition))

    def run_ids(self) -> set[int]:
        """The runs that are named."""
        return {number for is_run, number, _ in self._said if is_run}

    def request_ids(self, *kinds: type[Transition]) -> set[int]:
        """The requests of which something of these kinds is said."""
        return {number for is_run, number, one in self._said if not is_run and isinstance(one, kinds)}

    def lost_run_ids(self) -> set[int]:
        """The runs whose end is lost."""
        return {number for is_run, number, one in self._said if is_run and isinstance(one, EndLost)}

    def apply(self, runs: Sequence[Run]) -> None:
        """Apply everything to the runs that there are."""
        by_id = {run.id: [run] for run in runs}
        by_request: dict[int, list[Run]] = {}
        for run in runs:
            by_request.setdefault(run.request_id, []).append(run)
        for is_run, number, transition in self._said:
            for run in (by_id if is_run else by_request).get(number, ()):
                transition.apply(run)
