"""Sound in a call, in frames of 20 ms on one clock for each process.

A leg is one end of an answered call's media. At each tick of the clock its owner exchanges a frame for a frame, so that
what was said, what was heard and what is recorded have the same place in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from services.caller.domain.turn import Ending, ToolUse

SAMPLE_RATE_HZ = 8_000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE_HZ * FRAME_MS // 1_000
FRAME_BYTES = 2 * FRAME_SAMPLES
SILENCE = bytes(FRAME_BYTES)

# far_end: it hung up in order; silent_line: nothing came from it for too long; broken: its transport failed.
LegEnd = Literal["far_end", "silent_line", "broken"]


@dataclass(frozen=True, slots=True)
class LegStats:
    """What the network did to what came in. Packets; `jitter_ms` as in RFC 3550, 6.4.1, None where nobody can know."""

    received: int = 0
    lost: int = 0
    concealed_ms: int = 0
    jitter_ms: float | None = None


class MediaLeg(Protocol):
    """One end of an answered call's media. A frame: `FRAME_SAMPLES` of signed 16 bits, little-endian, one channel."""

    @property
    def ended(self) -> LegEnd | None:
        """Why nothing comes any more; None while it lasts."""

    def exchange(self, frame: bytes) -> bytes:
        """Give a frame to the far end, get the one that is due from it (`SILENCE` if none has come). Never blocks."""

    def interrupt(self) -> None:
        """Take back what was given and is not played yet, where the far end keeps it (a media stream's `clear`)."""

    def send_digits(self, digits: str) -> None:
        """Send DTMF, 0-9, *, # and A-D, beside what is said."""

    def heard_digits(self) -> str:
        """Return the DTMF that came since the last time."""

    def stats(self) -> LegStats:
        """Tell what came in until now."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a far end says that it has said, to be taken instead of reading its speech.

    Milliseconds count the frames exchanged. `share` of its sound was played, less than 1 where it was interrupted.
    """

    text: str
    start_ms: int
    end_ms: int
    share: float = 1.0


@runtime_checkable
class Telling(Protocol):
    """What a leg offers beside sound, if its far end tells more than sound."""

    @property
    def ending(self) -> Ending:
        """How the far end ends the call by a tool, known before it has said goodbye and `ended` says so."""

    def spoken(self) -> Sequence[Spoken]:
        """Return what was played to its end, or interrupted, since the last time."""

    def tools(self) -> Sequence[ToolUse]:
        """Return the tools that were used since the last time."""


class Ticking(Protocol):
    """What wants to be called once in each frame's time."""

    def tick(self, late_ms: float) -> None:
        """Do a frame's work, without blocking. `late_ms`: how much later than it was due."""


@runtime_checkable
class ToldOfFailure(Protocol):
    """What wants to know that its tick raised an exception, and that it is not called any more."""

    def failed(self, error: Exception) -> None:
        """Hear of it, in the tick that failed."""


class MediaClock(Protocol):
    """The one clock of all legs of a process: absolute deadlines, one for each frame; after a stall it skips."""

    def add(self, ticking: Ticking) -> None:
        """Call it at each tick from the next one on."""

    def remove(self, ticking: Ticking) -> None:
        """Call it no more."""

    def skipped(self) -> int:
        """Return how many ticks were left out since the process began."""


class SpeechError(Exception):
    """Speech could not be made or read. The sentence goes to the customer: nothing of what is said is in it."""


class Speech(Protocol):
    """Speech from text and text from speech, behind OpenAI-compatible endpoints."""

    async def say(self, text: str, voice: str) -> bytes:
        """Return what it sounds like, samples as in a frame. Raises SpeechError."""

    async def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        """Return what is said in it, "" if nothing is. `expected`: what may well be said. Raises SpeechError."""
