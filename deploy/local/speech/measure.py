"""`python -m deploy.local.speech.measure`: how many words the local server reads wrongly over a telephone line.

Every line is said by every voice, put through µ-law at 8 kHz, and read: with all lines expected, with only those
expected that are not said, and with nothing expected. Work is in seconds of a core for a second of speech.
"""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from deploy.local.settings import LOCAL
from deploy.local.speech.finding import find_flite
from deploy.local.speech.flite import VOICES
from deploy.local.speech.measured_lines import LINES, UNEXPECTED
from deploy.local.speech.recognising import Recogniser
from deploy.local.speech.sounds import READ_HZ, decoded, encoded
from deploy.local.speech.words import variants
from services.caller.edges.speech.sound import from_answer, wav_of

MU = 255


def over_the_line(sound: bytes) -> bytes:
    """Return a call's samples as G.711 (µ-law, by its formula) lets them through."""
    samples = np.frombuffer(sound, "<i2") / 32_768
    code = np.round(np.sign(samples) * np.log1p(MU * np.abs(samples)) / np.log1p(MU) * 127) / 127
    heard = np.sign(code) * (np.power(1.0 + MU, np.abs(code)) - 1) / MU
    return bytes((heard * 32_767).astype("<i2").tobytes())


def errors_of(said: str, read: str) -> tuple[int, int]:
    """Return how many words are wrong, missing or too many, and how many were said."""
    other = _words(read)
    return min((_distance(one, other), len(one)) for one in (_words(said), *map(list, variants(said))))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    row = list(range(len(other) + 1))
    for nth, word in enumerate(one, 1):
        found = [nth]
        for (diagonal, above), heard in zip(pairwise(row), other, strict=True):
            found.append(min(above + 1, found[-1] + 1, diagonal + (word != heard)))
        row = found
    return row[-1]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=len(LINES), help="of those that are expected")
    lines = LINES[: parser.parse_args().lines]
    flite = find_flite(LOCAL)
    recogniser = Recogniser(flite)
    for what, said, expected in (
        ("expected", lines, LINES), ("not expected", UNEXPECTED, LINES), ("nothing expected", UNEXPECTED, ())
    ):  # fmt: skip
        for voice in VOICES:
            wrong = words = 0
            seconds = work = 0.0
            for line in said:
                sound = decoded(wav_of(over_the_line(from_answer(*encoded(*flite.say(line, voice), "wav")))))
                began = time.process_time()
                read = recogniser.read(sound, expected)
                work += time.process_time() - began
                seconds += len(sound) / 2 / READ_HZ
                errors = errors_of(line, read)
                wrong, words = wrong + errors[0], words + errors[1]
            sys.stdout.write(f"{what:16}  {voice}  {wrong / words:6.1%} of {words} words  {work / seconds:.2f}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _main()
