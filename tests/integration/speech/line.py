"""What a telephone line does to sound, and how many words of a reading are wrong."""

import re
from itertools import pairwise

import numpy as np

MU = 255


def over_the_line(sound: bytes) -> bytes:
    """Return a call's samples as G.711 (µ-law, by its formula) lets them through."""
    samples = np.frombuffer(sound, "<i2") / 32_768
    code = np.round(np.sign(samples) * np.log1p(MU * np.abs(samples)) / np.log1p(MU) * 127) / 127
    heard = np.sign(code) * (np.power(1.0 + MU, np.abs(code)) - 1) / MU
    return bytes((heard * 32_767).astype("<i2").tobytes())


def errors_of(said: str, read: str) -> tuple[int, int]:
    """Return how many words are wrong, missing or too many, and how many were said."""
    one, other = (re.findall(r"[a-z0-9']+", text.lower()) for text in (said, read))
    row = list(range(len(other) + 1))
    for nth, word in enumerate(one, 1):
        row = _next_row(row, nth, word, other)
    return row[-1], len(one)


def _next_row(row: list[int], nth: int, word: str, other: list[str]) -> list[int]:
    found = [nth]
    for (diagonal, above), heard in zip(pairwise(row), other, strict=True):
        found.append(min(above + 1, found[-1] + 1, diagonal + (word != heard)))
    return found
