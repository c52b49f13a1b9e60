"""What the agent has sent and is not played yet, as a carrier keeps it: µ-law, played 20 ms at each tick.

A word that comes at once is played at the next tick. One that comes in short pieces, as from a sender who sends as fast
as he speaks, waits for a small cushion, so that the next piece is not too late; a piece that is too late all the same
gets the cushion again. What this keeps sound waiting is known (`heard_late`), and no part of the agent's time; the
silence that it puts into a stream that never pauses is taken out where the agent is silent.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.caller.domain.media import FRAME_MS, FRAME_SAMPLES
from services.caller.edges.media.delay import DelayMeter, HeardLate
from services.caller.edges.streams.arrivals import Arrivals

QUIET = 0xFF  # silence in µ-law
SILENT_FRAME = bytes([QUIET]) * FRAME_SAMPLES
# Codes of less than 1 % of full scale: what lies between words.
QUIET_CODES = bytes(code for code in range(256) if code & 0x7F >= 0x62)
MAX_BUFFERED_MS = 180_000
MAX_BUFFERED_BYTES = MAX_BUFFERED_MS // FRAME_MS * FRAME_SAMPLES
MAX_MARKS = 1_000
CUSHION_MS = 40
CUSHION_TICKS = CUSHION_MS // FRAME_MS
# So much of a word in its first piece, and its sender does not send as he speaks.
AT_ONCE_MS = 200
AT_ONCE_BYTES = AT_ONCE_MS // FRAME_MS * FRAME_SAMPLES
# What comes later than this after the last frame is a new word.
WORD_GAP_MS = 120
WORD_GAP_TICKS = WORD_GAP_MS // FRAME_MS
# What waited longer was sent long before it was due: its time says nothing about when the agent began to answer.
MAX_HEARD_LATE_MS = 200.0


@dataclass(frozen=True, slots=True)
class Played:
    """A frame's time. `sound` is None where nothing was due; `marks` are those that were reached."""

    sound: bytes | None
    marks: tuple[str, ...] = ()


class Playout:
    """`concealed_ms`: silence that was put in where sound came too late, in all."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waiting = bytearray()
        self._arrivals = Arrivals()
        self._late = DelayMeter()
        self._marks: deque[tuple[int, str]] = deque()  # with the byte at which each is reached
        self._ticks = 0
        self._put_bytes = 0
        self._played_bytes = 0
        self._idle_ticks = WORD_GAP_TICKS  # since the last frame was played
        self._quiet_ticks = WORD_GAP_TICKS  # since the last frame that was more than silence
        self._holding_ticks = 0
        self._owed_ticks = 0
        self.concealed_ms = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def buffered_ms(self) -> int:
        """How much is not played yet."""
        return len(self._waiting) * FRAME_MS // FRAME_SAMPLES

    @property
    def put_bytes(self) -> int:
        """How much was put in, without what was cleared."""
        return self._put_bytes

    @property
    def played_bytes(self) -> int:
        """How much was played, or taken out because it was silence that made up for what was put in."""
        return self._played_bytes

    def heard_late(self) -> HeardLate:
        """Return how long first words waited here before they were heard, each at its place."""
        return self._late.heard_late()

    def put(self, sound: bytes) -> bool:
        """Add sound; return whether all of it had room: what is more is cut."""
        taken = sound[: MAX_BUFFERED_BYTES - len(self._waiting)]
        self._waiting += taken
        self._put_bytes += len(taken)
        if taken:
            self._arrivals.add(self._put_bytes, self._now())
        return len(taken) == len(sound)

    def mark(self, name: str) -> bool:
        """Ask to be told when all that was put before is played; return False where too many are waiting."""
        if len(self._marks) >= MAX_MARKS:
            return False
        self._marks.append((self._put_bytes, name))
        return True

    def clear(self) -> tuple[str, ...]:
        """Drop what is not played, and return the marks in it."""
        self._put_bytes -= len(self._waiting)
        self._waiting.clear()
        self._arrivals.clear()
        self._owed_ticks = self._holding_ticks = 0
        self._idle_ticks = WORD_GAP_TICKS  # what comes next is no rest of what was said
        names = tuple(name for _, name in self._marks)
        self._marks.clear()
        return names

    def tick(self) -> Played:
        """Return what is due in this frame's time."""
        sound = self._due()
        if sound is None:
            self._idle_ticks += 1
            self._quiet_ticks += 1
        else:
            self._note_first_word(sound)
            self._idle_ticks = 0
            self._played_bytes += len(sound)
            sound = sound.ljust(FRAME_SAMPLES, SILENT_FRAME[:1])
        self._ticks += 1
        return Played(sound, self._reached())

    def _due(self) -> bytes | None:
        """Return the next frame, shorter where the last sound ends within it."""
        if not self._waiting:
            self._holding_ticks = 0
            return None
        begins = self._idle_ticks >= WORD_GAP_TICKS
        late = self._idle_ticks > 0 and not begins
        # Late sound waits however much it is: a sender's pieces may be long, and the next one is as late.
        waits = late or len(self._waiting) < (AT_ONCE_BYTES if begins else FRAME_SAMPLES)
        if waits and self._holding_ticks < CUSHION_TICKS:
            self._holding_ticks += 1
            return None
        if begins:
            self._owed_ticks = 0
        elif late and len(self._waiting) >= FRAME_SAMPLES:  # less than that is the end of what was said, not a gap
            self._owed_ticks += self._idle_ticks
            self.concealed_ms += self._idle_ticks * FRAME_MS
        self._holding_ticks = 0
        return self._without_silence(self._take())

    def _without_silence(self, frame: bytes) -> bytes:
        while self._owed_ticks and len(self._waiting) >= FRAME_SAMPLES and not frame.strip(QUIET_CODES):
            self._owed_ticks -= 1
            self._played_bytes += len(frame)
            frame = self._take()
        return frame

    def _take(self) -> bytes:
        frame = bytes(self._waiting[:FRAME_SAMPLES])
        del self._waiting[:FRAME_SAMPLES]
        return frame

    def _note_first_word(self, frame: bytes) -> None:
        """Measure how long it waited, if this is where somebody begins to speak: that ends an agent's latency."""
        came_at = self._arrivals.take(self._played_bytes)
        if not frame.strip(QUIET_CODES):
            self._quiet_ticks += 1
            return
        if self._quiet_ticks >= WORD_GAP_TICKS and came_at is not None:
            waited_ms = (self._now() - came_at) * 1_000
            if waited_ms <= MAX_HEARD_LATE_MS:
                self._late.add(waited_ms, self._ticks)
        self._quiet_ticks = 0

    def _reached(self) -> tuple[str, ...]:
        names = []
        while self._marks and self._marks[0][0] <= self._played_bytes:
            names.append(self._marks.popleft()[1])
        return tuple(names)
