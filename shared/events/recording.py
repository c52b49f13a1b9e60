"""What is known of a call's recording: where it lies in the store, and what it is."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.event import Part
from shared.events.fields import MAX_NAME_CHARS, Count, Instant

# The contract's three words. A recording that could not be stored is told by the last as well: it is all they have.
RecordingMode = Literal["recording", "disabled_by_config", "recording_failed_before_capture"]
# Names of objects in a store: no step up, no empty step, nothing that needs quoting in a URL.
_STEP = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
ObjectName = Annotated[str, Field(pattern=rf"^{_STEP}(?:/{_STEP})*\z", max_length=MAX_NAME_CHARS)]


class Recording(Part):
    """A stereo WAV, the caller left and the agent right. `name` is None where there is none to be had.

    `is_stored`: it lies in the store; one that does not may still arrive there, which RecordingSettled then says.
    `peaks_name`: its waveform as JSON, beside it.
    """

    mode: RecordingMode
    name: ObjectName | None = None
    peaks_name: ObjectName | None = None
    is_stored: bool = False
    bytes: Count = 0
    duration_ms: Count = 0
    started_at: Instant | None = None
