"""Sound that is speech to a detector, sample-exact: it begins and ends at once."""

import numpy as np
from numpy.typing import NDArray

from services.caller.domain.media import FRAME_BYTES, SAMPLE_RATE_HZ

Samples = NDArray[np.int16]


def vowel(ms: int, *, level: int = 6_000, hertz: float = 120.0) -> Samples:
    """Return a voiced sound with two formants, whose pitch and strength move as a voice's do."""
    seconds = np.arange(ms * SAMPLE_RATE_HZ // 1_000) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.1 * np.sin(6 * np.pi * seconds))) / SAMPLE_RATE_HZ
    sound = np.zeros(len(seconds))
    for k in range(1, int(3_400 / hertz)):
        sound += _strength(k * hertz) * np.cos(k * phase)
    sound *= 0.7 + 0.3 * np.cos(8 * np.pi * seconds)
    return np.asarray(sound / np.abs(sound).max() * level, np.int16)


def _strength(hertz: float) -> float:
    return float(np.exp(-(((hertz - 600) / 500) ** 2)) + 0.5 * np.exp(-(((hertz - 1_700) / 400) ** 2)))


def line(length_ms: int, *said: tuple[int, int], level: int = 6_000, hertz: float = 120.0) -> Samples:
    """Return a channel on which somebody speaks from … to …, in ms."""
    samples = np.zeros(length_ms * SAMPLE_RATE_HZ // 1_000, np.int16)
    for begin_ms, end_ms in said:
        sound = vowel(end_ms - begin_ms, level=level, hertz=hertz)
        samples[begin_ms * 8 : begin_ms * 8 + len(sound)] = sound
    return samples


def frames(samples: Samples) -> list[bytes]:
    """Return whole frames."""
    sound = samples.astype("<i2").tobytes()
    return [sound[at : at + FRAME_BYTES] for at in range(0, len(sound) - FRAME_BYTES + 1, FRAME_BYTES)]
