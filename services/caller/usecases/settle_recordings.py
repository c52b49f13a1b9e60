"""Say what became of recordings that had not been stored when their calls ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.events.executions import RecordingSettled
from shared.events.recording import Recording
from shared.messaging.messages import Say


@dataclass(frozen=True, slots=True)
class Settled:
    """A recording that lies in the store by now, or never will. `call_id`: of the leg's own call log, if known."""

    run_id: int
    org_id: int
    call_id: int | None
    is_second_leg: bool
    recording: Recording
    traceparent: str | None


def settle_recordings(settled: Sequence[Settled]) -> list[Say]:
    """Return RecordingSettled for each. Idempotent by call: whoever hears it twice keeps the first."""
    return [
        Say(
            RecordingSettled(
                run_id=one.run_id,
                org_id=one.org_id,
                call_id=one.call_id,
                is_second_leg=one.is_second_leg,
                recording=one.recording,
            ),
            one.traceparent,
        )
        for one in settled
    ]
