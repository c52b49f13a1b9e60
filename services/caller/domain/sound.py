"""What is known of a call with sound beside what was said in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.caller.domain.conversation import Conversation
from services.caller.domain.measures import CallMeasures
from services.caller.domain.media import LegStats


@dataclass(frozen=True, slots=True)
class OwnTime:
    """What our own speech recognition, mind and speech took in all, in ms."""

    stt_ms: int
    llm_ms: int
    tts_ms: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording that was made, and what became of it."""

    mode: Literal["recording", "disabled_by_config", "recording_failed_before_capture"]
    name: str | None = None
    peaks_name: str | None = None
    is_stored: bool = False
    bytes: int = 0
    duration_ms: int = 0
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SideOfCall:
    """A call as one end of it heard it."""

    measures: CallMeasures
    rtp: LegStats
    own: OwnTime
    recording: Kept | None


@dataclass(frozen=True, slots=True)
class SecondLeg:
    """The other end of a call over SIP, where that is ours too. `call_id`: of its log; None if it was not announced."""

    sip_call_id: str
    call_id: int | None
    conversation: Conversation | None
    side: SideOfCall | None


@dataclass(frozen=True, slots=True)
class Sound:
    """What a call with sound came to. Milliseconds to the answer; None where nobody rang."""

    set_up_ms: int
    ring_ms: int | None
    is_sip: bool
    side: SideOfCall | None
    second: SecondLeg | None = None
