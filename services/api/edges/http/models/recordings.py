"""What is measured of a call, and its recording. Source: contract, calls."""

from services.api.edges.http.models.base import Answer, Id, Instant
from shared.events.executions import CallFigures


class Audio(Answer):
    """A link to a call's recording, a stereo WAV: the caller is left, the agent right. It needs no key."""

    url: str
    expires_at: Instant


class Waveform(Answer):
    """What to draw of a recording: the loudest sample of each stretch, from 0 to 1, at most 2 000 of a channel."""

    call_id: Id
    sample_rate_hz: int
    samples_per_peak: int
    duration_ms: int
    left: list[float]
    right: list[float]


class Figures(CallFigures):
    """What was measured in a call; null is what is not known, or makes no sense of such a call."""

    call_id: Id
