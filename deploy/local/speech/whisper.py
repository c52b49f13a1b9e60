"""faster-whisper, where the operator installed it and a model: it reads noisy calls too, on a core of its own."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.local.speech.limits import MAX_WAITING_FOR_WHISPER

BEAM = 5
MAX_PROMPT_CHARS = 600  # of 223 tokens: a prompt that is cut within a line makes it hear what nobody said
MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Whisper:
    """`packages`: where faster-whisper is, behind everything else on the path. What is given to each process."""

    packages: Path
    model: Path
    max_waiting: int = MAX_WAITING_FOR_WHISPER

    def recogniser(self) -> "WhisperRecogniser":
        """Load the model; nothing is fetched from anywhere."""
        os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        sys.path.append(str(self.packages))
        from faster_whisper import WhisperModel

        return WhisperRecogniser(WhisperModel(str(self.model), device="cpu", compute_type="int8", cpu_threads=1))


class WhisperRecogniser:
    """Reads with one thread. Its work is bounded: what it is unsure of is not read again and again."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        """Return the text of samples of 16 bits at 16 kHz."""
        samples = np.frombuffer(sound, "<i2").astype(np.float32) / 32_768
        segments, _ = self._model.transcribe(
            samples, language="en", beam_size=BEAM, temperature=0.0, condition_on_previous_text=False,
            initial_prompt=likeliest(expected) or None,
        )  # fmt: skip
        return " ".join(segment.text.strip() for segment in segments)


def likeliest(expected: tuple[str, ...]) -> str:
    """Return the last lines, whole, as many as it listens to."""
    kept: list[str] = []
    for line in reversed(expected):
        if sum(map(len, kept)) + len(kept) + len(line) > MAX_PROMPT_CHARS:
            break
        kept.insert(0, line)
    return " ".join(kept)
