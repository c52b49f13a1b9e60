"""A recording of a call that was text: what was said, in the sides' voices, at the times at which it was said."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.caller.domain.media import SAMPLE_RATE_HZ, Speech
from services.caller.domain.turn import Turn
from services.caller.edges.media import wav
from services.caller.edges.media.peaks import Peaks
from services.caller.edges.media.recorder import Recorded

MAX_RENDERED_MS = 3_600_000
_CHANNELS = {"user": 0, "assistant": 1}
_WRITTEN_AT_ONCE_SAMPLES = 60 * SAMPLE_RATE_HZ
_SAMPLES_PER_MS = SAMPLE_RATE_HZ // 1_000
_SOMETHING_TO_SAY = re.compile(r"\w")  # of "..." or a smile no endpoint makes sound


@dataclass(frozen=True, slots=True)
class Voices:
    """Which voice each side has."""

    bot: str
    agent: str


async def render(
    turns: Sequence[Turn], speech: Speech, voices: Voices, path: Path, *, duration_ms: int = 0
) -> Recorded:
    """Say the turns, write them to a file that must not be there. Raises SpeechError, OSError.

    A side that would still speak when its next turn begins is cut off there; what it does to the other side is not.
    It is as long as the call was, or until the last word is over.
    """
    spoken = [turn for turn in turns if turn.role in _CHANNELS and turn.start_ms < MAX_RENDERED_MS]
    said: list[bytes] = []
    for turn in spoken:
        voice = voices.bot if turn.role == "user" else voices.agent
        said.append(await speech.say(turn.content, voice) if _SOMETHING_TO_SAY.search(turn.content) else b"")
    return await asyncio.to_thread(_write, spoken, said, path, duration_ms)


def _write(turns: Sequence[Turn], said: Sequence[bytes], path: Path, duration_ms: int) -> Recorded:
    pieces = [np.frombuffer(sound[: len(sound) // 2 * 2], "<i2") for sound in said]
    begins = [turn.start_ms * _SAMPLES_PER_MS for turn in turns]
    limit = MAX_RENDERED_MS * _SAMPLES_PER_MS
    ends = [begin + len(piece) for begin, piece in zip(begins, pieces, strict=True)]
    length = min(limit, max([duration_ms, *(turn.end_ms for turn in turns)]) * _SAMPLES_PER_MS)
    length = max(length, min(limit, max(ends, default=0)))
    both: NDArray[np.int16] = np.zeros((length, 2), "<i2")
    for turn, begin, piece in zip(turns, begins, pieces, strict=True):
        channel = _CHANNELS[turn.role]
        both[begin:, channel] = 0
        both[begin : begin + len(piece), channel] = piece[: length - begin]
    peaks = Peaks()
    with path.open("xb") as file:
        file.write(wav.header(both.nbytes))
        for at in range(0, length, _WRITTEN_AT_ONCE_SAMPLES):
            part = both[at : at + _WRITTEN_AT_ONCE_SAMPLES]
            peaks.add(part)
            file.write(part.tobytes())
    return Recorded(path, length // _SAMPLES_PER_MS, wav.HEADER_BYTES + both.nbytes, True, peaks.to_json())
