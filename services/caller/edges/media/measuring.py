"""Measures a call while it goes on, from the frames that are recorded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.caller.domain.measures import CallMeasures, Span, measures_of
from services.caller.domain.media import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES
from services.caller.domain.turn import Side
from services.caller.edges.media import wav
from services.caller.edges.media.activity import EDGE_MS, Activity
from services.caller.edges.media.calibration import UNKNOWN_OFFSET, Offset
from services.caller.edges.media.delay import NOT_LATE, HeardLate
from services.caller.edges.media.left_out import LeftOut

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

    def uncertainty_ms(self, known_ticks: int = 0) -> float:
        """Return by how much a latency may be wrong: twice each standard deviation, and the grain of both its ends.

        Of ticks that were left out nobody knows where, any latency may be short; `known_ticks` are not among them.
        """
        spread_ms = 2 * (self.heard_late.spread_ms + self.offset.spread_ms)
        return 2 * EDGE_MS + spread_ms + max(0, self.skipped_ticks - known_ticks) * FRAME_MS


class Measuring:
    """One call's two channels, at one of its ends. `hears`: whom this end hears, so who is heard late here.

    `skipped`: the clock's, so that it is known where in the call ticks were left out, and no latency is short by them.
    """

    def __init__(self, hears: Side = "agent", skipped: Callable[[], int] = lambda: 0) -> None:
        self._hears = hears
        self._left_out = LeftOut(skipped)
        self._bot = Activity()
        self._agent = Activity()

    def add(self, left: bytes, right: bytes) -> None:
        """Take one tick: the bot left, before noise was added on purpose, the agent right."""
        self._left_out.look(self._bot.duration_ms)
        self._bot.add(left)
        self._agent.add(right)

    def measures(self, lateness: Lateness, bot_turns: Sequence[Span] = ()) -> CallMeasures:
        """Return what can be said until now. `bot_turns`: when the bot spoke, as it knows itself."""
        bot, agent = self._bot.spans(bot_turns), self._agent.spans()
        measures = measures_of(
            self._timed(bot, lateness if self._hears == "bot" else None),
            self._timed(agent, lateness if self._hears == "agent" else None),
            duration_ms=self._left_out.time_ms(self._bot.duration_ms),
            uncertainty_ms=lateness.uncertainty_ms(self._left_out.ticks),
        )
        placed = (replace(one, at_ms=round(self._left_out.place_ms(one.at_ms))) for one in measures.agent_latencies)
        return replace(measures, agent_latencies=tuple(placed))

    def _timed(self, spans: Sequence[Span], lateness: Lateness | None) -> list[Span]:
        """Return spans in the far end's time."""

        def at(place_ms: float) -> float:
            return self._left_out.time_ms(place_ms) - (lateness.at(place_ms) if lateness else 0.0)

        return [Span(at(span.start_ms), at(span.end_ms)) for span in spans]


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
