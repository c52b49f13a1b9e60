"""flite as a program: sound of a text, and the sounds that a word is made of. All of it blocks: use a thread."""

import io
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
from numpy.typing import NDArray

from deploy.local.speech.limits import LINE_SECONDS
from deploy.local.speech.words import plain

VOICES = ("rms", "awb", "slt")
# OpenAI's voices, for agents that ask for one of theirs: each sounds as one of ours.
STAND_INS = {
    "alloy": "rms", "ash": "awb", "ballad": "awb", "cedar": "rms", "coral": "slt", "echo": "awb", "fable": "awb",
    "marin": "slt", "nova": "slt", "onyx": "rms", "sage": "slt", "shimmer": "slt", "verse": "rms",
}  # fmt: skip
_PHONE = re.compile(r"[a-z]+")


class FliteFailed(Exception):  # noqa: N818
    """flite gave no sound."""


@dataclass(frozen=True, slots=True)
class Flite:
    """`libraries` is where its own libraries are, None where the system finds them."""

    program: Path
    libraries: Path | None = None

    def say(self, text: str, voice: str, speed: float = 1.0) -> tuple[NDArray[Any], int]:
        """Return samples between -1 and 1 and their rate. The text goes in by a pipe: others see arguments."""
        with tempfile.TemporaryDirectory(prefix="rehearsal-said-") as folder:
            out = Path(folder, "said.wav")
            stretch = f"duration_stretch={1 / speed:.3f}"
            self._run(["-voice", voice, "--setf", stretch, "-f", "/dev/stdin", "-o", str(out)], plain(text))
            try:
                samples, rate_hz = soundfile.read(io.BytesIO(out.read_bytes()), dtype="float32")
            except (OSError, soundfile.SoundFileError):
                raise FliteFailed from None
        return samples, int(rate_hz)

    def phones(self, word: str) -> str:
        """Return a word's sounds as the dictionary of pocketsphinx writes them, "" if flite knows none."""
        said = self._run(["-voice", "rms", "-ps", "-t", f"{plain(word)} ", "-o", "none"], "")
        phones = [phone for phone in _PHONE.findall(said) if phone != "pau"]
        return " ".join("AH" if phone == "ax" else phone.upper() for phone in phones)

    def _run(self, arguments: list[str], text: str) -> str:
        environment = {**os.environ}
        if self.libraries is not None:
            environment["LD_LIBRARY_PATH"] = str(self.libraries)
        try:
            done = subprocess.run(
                [str(self.program), *arguments], input=text, capture_output=True, text=True, check=True,
                env=environment, timeout=LINE_SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            raise FliteFailed from None
        return done.stdout
