"""What one side of a spoken call has in hand, and how it behaves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.caller.domain.call_clock import CallClock
from services.caller.domain.limits import CallLimits
from services.caller.domain.media import MediaClock, MediaLeg
from services.caller.domain.voice.listening import Voiced

Record = Callable[[bytes, bytes], None]  # takes what was said and what was heard in the same frame's time


def no_record(said: bytes, heard: bytes) -> None:
    """Keep nothing."""


@dataclass(frozen=True, slots=True)
class Phone:
    """An answered call's leg. `hang_up` ends the call on the line; `voiced` says whether somebody speaks in a frame."""

    leg: MediaLeg
    media: MediaClock
    clock: CallClock
    limits: CallLimits
    voiced: Voiced
    hang_up: Callable[[], Awaitable[None]]
    record: Record = no_record


@dataclass(frozen=True, slots=True)
class Conduct:
    """How one behaves on purpose.

    `interrupt_after_ms`: of the other's talk; then one talks over it, `interruptions` times at most.
    `digits` are sent when so many of the other's lines are over, 0: at once.
    From `quiet_from_ms` of the call on one says nothing for `quiet_ms`, whatever one hears.
    """

    interrupt_after_ms: int | None = None
    interruptions: int = 0
    digits: tuple[tuple[int, str], ...] = ()
    quiet_from_ms: int = 0
    quiet_ms: int = 0

    def is_quiet(self, now_ms: int) -> bool:
        """Say whether it is the time to say nothing."""
        return self.quiet_from_ms <= now_ms < self.quiet_from_ms + self.quiet_ms


@dataclass(slots=True)
class OwnTimes:
    """What speech and thought took on our side, for each line, in ms of real time."""

    stt: list[int] = field(default_factory=list)
    llm: list[int] = field(default_factory=list)
    tts: list[int] = field(default_factory=list)
