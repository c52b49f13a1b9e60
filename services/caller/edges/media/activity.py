"""When somebody speaks on one channel: webrtcvad says in which frames, the level says where in them."""

import random
from array import array
from collections.abc import Iterator, Sequence

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from services.caller.domain.measures import Span
from services.caller.domain.media import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ

VAD_MODE = 3  # the one that takes least for speech
EDGE_MS = 2  # the grain in which the ends of speech are found
EDGES_PER_FRAME = FRAME_MS // EDGE_MS
PAUSE_MS = 300  # within one stretch of speech
MIN_SPEECH_MS = 60  # shorter is a click
SEARCH_MS = 200  # how far speech may reach beyond the frames that VAD found
ABOVE_FLOOR = 4.0  # times the line's own noise
LIKE_THE_REST = 0.1  # of its peak: -20 dB
BELOW_PEAK = 0.02  # -34 dB
BETWEEN_PULSES_MS = 10  # that may be quieter within a voiced sound: from one pulse of a deep voice to the next
LEVELLED_FRAMES = 50  # at once: numpy costs as much for one
MIN_LEVEL = 20.0  # of 32 768: below it is silence on any line

_EDGE_SAMPLES = FRAME_SAMPLES // EDGES_PER_FRAME


class Activity:
    """Takes a channel frame by frame, as it is said or heard, without any noise that was added on purpose."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(VAD_MODE)
        self._voiced = bytearray()
        self._levels = array("H")
        self._frames: list[bytes] = []
        # Calls that begin together must not be levelled in the same tick for ever.
        self._level_at = random.randint(LEVELLED_FRAMES // 2, LEVELLED_FRAMES)  # noqa: S311

    @property
    def duration_ms(self) -> int:
        """Return how much it has taken."""
        return len(self._voiced) * FRAME_MS

    def add(self, frame: bytes) -> None:
        """Take a tick's frame."""
        self._voiced.append(self._vad.is_speech(frame, SAMPLE_RATE_HZ))
        self._frames.append(frame)
        if len(self._frames) >= self._level_at:
            self._level()
            self._level_at = LEVELLED_FRAMES

    def _level(self) -> None:
        edges = np.frombuffer(b"".join(self._frames), "<i2").astype(np.float32).reshape(-1, _EDGE_SAMPLES)
        self._levels.frombytes(np.sqrt((edges * edges).mean(axis=1)).astype(np.uint16).tobytes())
        self._frames.clear()

    def spans(self, turns: Sequence[Span] = ()) -> list[Span]:
        """Return the stretches of speech. `turns`: what is known to be one, whatever pauses it has."""
        self._level()
        levels = np.frombuffer(self._levels, np.uint16).astype(np.float32)
        voiced = np.repeat(np.frombuffer(self._voiced, np.uint8), EDGES_PER_FRAME).astype(bool)
        quiet = levels[~voiced]
        floor = float(np.quantile(quiet, 0.5)) if len(quiet) else 0.0
        edges = [_fitted(levels, floor, begin, end) for begin, end in _runs(voiced)]
        spans = [Span(begin * EDGE_MS, end * EDGE_MS) for begin, end in edges if begin < end]
        return [span for span in _merged(spans, turns) if span.length_ms >= MIN_SPEECH_MS]


def _runs(voiced: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    changes = np.flatnonzero(np.diff(np.concatenate(([False], voiced, [False]))))
    return zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True)


def _fitted(levels: NDArray[np.float32], floor: float, begin: int, end: int) -> tuple[int, int]:
    """Move both ends to where the level rises above, and falls below, what is heard as speech."""
    above_line = max(MIN_LEVEL, ABOVE_FLOOR * floor)
    peak = float(levels[begin:end].max())
    # VAD takes a long vowel of a quiet voice for noise after a while: as loud as the rest it still is speech.
    begin, end = _grown(levels > max(above_line, LIKE_THE_REST * peak), begin, end, len(levels))
    loud = levels > max(above_line, BELOW_PEAK * peak)
    begin, end = _grown(loud, begin, end, SEARCH_MS // EDGE_MS)
    while begin < end and not loud[begin]:
        begin += 1
    while end > begin and not loud[end - 1]:
        end -= 1
    return begin, end


def _grown(loud: NDArray[np.bool_], begin: int, end: int, reach: int) -> tuple[int, int]:
    between = BETWEEN_PULSES_MS // EDGE_MS
    first, last = max(0, begin - reach), min(len(loud), end + reach)
    while begin > first and loud[max(first, begin - 1 - between) : begin].any():
        begin -= 1
    while end < last and loud[end : min(last, end + 1 + between)].any():
        end += 1
    return begin, end


def _merged(spans: Sequence[Span], turns: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        before = merged[-1] if merged else None
        if before and (span.start_ms - before.end_ms <= PAUSE_MS or _in_one(before, span, turns)):
            merged[-1] = Span(min(before.start_ms, span.start_ms), max(before.end_ms, span.end_ms))
        else:
            merged.append(span)
    return merged


def _in_one(before: Span, after: Span, turns: Sequence[Span]) -> bool:
    return any(turn.start_ms <= before.end_ms and after.start_ms <= turn.end_ms for turn in turns)
