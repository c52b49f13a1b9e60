"""A process that reads: it begins with one recogniser, reads one sound after the other, and ends with its parent."""

import os
from typing import Protocol

from pocketsphinx import Vad

from deploy.local.children import dies_with_parent

FEWEST_FRAMES = 3  # of 30 ms, in which somebody speaks
NICENESS = 5  # whoever keeps time comes first


class Recogniser(Protocol):
    """Reads what is said."""

    def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        """Return the text of samples of 16 bits at 16 kHz. `expected`: what may well be said, the likeliest last."""


class Engine(Protocol):
    """What a process that reads is given: it makes the recogniser there."""

    @property
    def max_waiting(self) -> int:
        """How many readings may wait, so that the last one is still read in time."""

    def recogniser(self) -> Recogniser:
        """Load what it takes to read."""


_mine: Recogniser | None = None


def begin(engine: Engine) -> None:
    """Make this process one that reads."""
    global _mine
    dies_with_parent()
    os.nice(NICENESS)
    _mine = engine.recogniser()


def read(sound: bytes, expected: tuple[str, ...]) -> str:
    """Read in this process. In silence, any recogniser would hear the likeliest short words."""
    if _mine is None:
        raise RuntimeError("this process does not read")
    return _mine.read(sound, expected) if _speaks(sound) else ""


def ready() -> bool:
    """Say that this process has begun."""
    return _mine is not None


def _speaks(sound: bytes) -> bool:
    vad = Vad(mode=Vad.STRICT, sample_rate=16_000)
    frames = (sound[at : at + vad.frame_bytes] for at in range(0, len(sound) - vad.frame_bytes + 1, vad.frame_bytes))
    return bool(sum(vad.is_speech(frame) for frame in frames) >= FEWEST_FRAMES)
