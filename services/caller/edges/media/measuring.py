"""Measures a call while it goes on, from the frames that are recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.caller.domain.measures import CallMeasures, Span, measures_of
from services.caller.domain.media import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES
from services.caller.domain.turn import Side
from services.caller.edges.media import wav
from services.caller.edges.media.activity import EDGE_MS, Activity
from services.caller.edges.media.calibration import UNKNOWN_OFFSET, Offset
from services.caller.edges.media.delay import NOT_LATE, HeardLate

READ_FRAMES = 3_000


@dataclass(frozen=True, slots=True)
class Lateness:
    """What of a latency is ours: the leg's own delay, this worker's offset, ticks that came late or not at all."""

    heard_late: HeardLate = NOT_LATE
    offset: Offset = UNKNOWN_OFFSET
    skipped_ticks: int = 0

    def at(self, position_ms: float) -> float:
        """Return by how much what is heard at a place in the frames is heard late."""
        return self.heard_late.at(position_ms) + self.offset.ms

    @property
    def uncertainty_ms(self) -> float:
        """Return by how much a latency may be wrong: twice each standard deviation, and the grain of both its ends."""
        spread_ms = 2 * (self.heard_late.spread_ms + self.offset.spread_ms)
        return 2 * EDGE_MS + spread_ms + self.skipped_ticks * FRAME_MS


class Measuring:
    """One call's two channels, at one of its ends. `hears`: whom this end hears, so who is heard late here."""

    def __init__(self, hears: Side = "agent") -> None:
        self._hears = hears
        self._bot = Activity()
        self._agent = Activity()

    def add(self, left: bytes, right: bytes) -> None:
        """Take one tick: the bot left, before noise was added on purpose, the agent right."""
        self._bot.add(left)
        self._agent.add(right)

    def measures(self, lateness: Lateness, bot_turns: Sequence[Span] = ()) -> CallMeasures:
        """Return what can be said until now. `bot_turns`: when the bot spoke, as it knows itself."""
        bot, agent = self._bot.spans(bot_turns), self._agent.spans()
        return measures_of(
            _earlier(bot, lateness) if self._hears == "bot" else bot,
            _earlier(agent, lateness) if self._hears == "agent" else agent,
            duration_ms=self._bot.duration_ms,
            uncertainty_ms=lateness.uncertainty_ms,
        )


def _earlier(spans: Sequence[Span], lateness: Lateness) -> list[Span]:
    return [Span(span.start_ms - lateness.at(span.start_ms), span.end_ms - lateness.at(span.end_ms)) for span in spans]


def measure(recording: Path, lateness: Lateness) -> CallMeasures:
    """Return the measures of a recording. Blocks: for a thread."""
    measuring = Measuring()
    with recording.open("rb") as file:
        file.seek(wav.HEADER_BYTES)
        while sound := file.read(READ_FRAMES * FRAME_SAMPLES * wav.BLOCK_BYTES):
            both = np.frombuffer(sound[: len(sound) // wav.BLOCK_BYTES * wav.BLOCK_BYTES], "<i2").reshape(-1, 2)
            left, right = both[:, 0].tobytes(), both[:, 1].tobytes()
            for at in range(0, len(left) - FRAME_BYTES + 1, FRAME_BYTES):
                measuring.add(left[at : at + FRAME_BYTES], right[at : at + FRAME_BYTES])
    return measuring.measures(lateness)
