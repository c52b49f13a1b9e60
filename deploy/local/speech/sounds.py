"""Sound in the formats that OpenAI's endpoints give and take. All of it takes time: use a thread."""

import io
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from deploy.local.speech.limits import MAX_SOUND_SECONDS
from services.caller.edges.speech.sound import resampled, written

READ_HZ = 16_000
# `wav` is what calls have; `pcm` has no header, so that it has to be what OpenAI's is.
FORMATS = {
    "wav": ("audio/wav", 8_000, "WAV", "PCM_16"),
    "pcm": ("audio/pcm", 24_000, "", ""),
    "flac": ("audio/flac", 24_000, "FLAC", "PCM_16"),
    "opus": ("audio/ogg", 24_000, "OGG", "OPUS"),
    "mp3": ("audio/mpeg", 24_000, "MP3", "MPEG_LAYER_III"),
}


def encoded(samples: NDArray[Any], rate_hz: int, kind: str) -> tuple[bytes, str]:
    """Return sound in one of the formats, and its content type."""
    content_type, to_hz, container, subtype = FORMATS[kind]
    raw = written(resampled(samples, rate_hz, to_hz))
    if not container:
        return raw, content_type
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(raw, "<i2"), to_hz, format=container, subtype=subtype)
    return file.getvalue(), content_type


def decoded(body: bytes) -> bytes:
    """Return what pocketsphinx reads: 16 bits at 16 kHz. Raises ValueError for what is no sound, or too long."""
    try:
        with soundfile.SoundFile(io.BytesIO(body)) as file:
            rate_hz = file.samplerate
            if not 4_000 <= rate_hz <= 96_000:
                raise ValueError("the file's sample rate is not taken")
            samples = file.read(round(MAX_SOUND_SECONDS * rate_hz) + 1, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, TypeError, MemoryError):
        raise ValueError("the file is no sound that can be read") from None
    if len(samples) > MAX_SOUND_SECONDS * rate_hz:
        raise ValueError(f"the file is longer than {MAX_SOUND_SECONDS:g} s")
    return written(resampled(samples.mean(axis=1), rate_hz, READ_HZ))
