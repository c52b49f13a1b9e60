"""`python -m deploy.local.speech.measure`: how many words the local server reads wrongly over a telephone line.

Every line is said by every voice, put through µ-law at 8 kHz, and read: with all lines expected, with only those
expected that are not said (once more with lines by which nothing was chosen), and with nothing expected. Work is in
seconds of a core for a second of speech. `--stt whisper --noise-db 15`: by whisper, over white noise.
"""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from deploy.local.settings import LOCAL, STT, read_settings
from deploy.local.speech.finding import find_flite
from deploy.local.speech.finding_whisper import find_whisper
from deploy.local.speech.flite import VOICES
from deploy.local.speech.held_out_lines import HELD_OUT
from deploy.local.speech.measured_lines import LINES, UNEXPECTED
from deploy.local.speech.reading import Engine
from deploy.local.speech.recognising import Pocketsphinx
from deploy.local.speech.sounds import READ_HZ, decoded, encoded
from deploy.local.speech.words import variants
from services.caller.domain.media import FRAME_BYTES
from services.caller.edges.media.noise import Background
from services.caller.edges.speech.sound import from_answer, wav_of

MU = 255
WHAT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # what is said, and what is expected
    "expected": (LINES, LINES),
    "others expected": (UNEXPECTED, LINES),
    "held out, others expected": (HELD_OUT, LINES),
    "nothing expected": (UNEXPECTED, ()),
}


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


def _over_noise(sound: bytes, snr_db: float | None) -> bytes:
    if snr_db is None:
        return sound
    background = Background("white", snr_db, seed=0)
    frames = (sound[at : at + FRAME_BYTES] for at in range(0, len(sound), FRAME_BYTES))
    return b"".join(background.mixed(frame.ljust(FRAME_BYTES, bytes(1))) for frame in frames)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(WHAT), help="one of the rows")
    parser.add_argument("--voices", nargs="+", choices=VOICES, default=VOICES)
    parser.add_argument("--lines", type=int, help="every nth line, so that about so many are said")
    parser.add_argument("--stt", choices=STT, default=STT[0])
    parser.add_argument("--noise-db", type=float, help="signal-to-noise ratio")
    asked = parser.parse_args()
    flite = find_flite(LOCAL)
    engine: Engine = find_whisper(read_settings()) if asked.stt == "whisper" else Pocketsphinx(flite)
    recogniser = engine.recogniser()
    for what in [asked.only] if asked.only else WHAT:
        all_said, expected = WHAT[what]
        said = all_said[:: max(1, len(all_said) // asked.lines)] if asked.lines else all_said
        for voice in asked.voices:
            wrong = words = 0
            seconds = work = 0.0
            for line in said:
                clean = from_answer(*encoded(*flite.say(line, voice), "wav"))
                sound = decoded(wav_of(over_the_line(_over_noise(clean, asked.noise_db))))
                began = time.process_time()
                read = recogniser.read(sound, expected)
                work += time.process_time() - began
                seconds += len(sound) / 2 / READ_HZ
                errors = errors_of(line, read)
                wrong, words = wrong + errors[0], words + errors[1]
            sys.stdout.write(f"{what:26}  {voice}  {wrong / words:6.1%} of {words} words  {work / seconds:.2f}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _main()
