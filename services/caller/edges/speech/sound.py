"""Sound as it is in a call, from what an endpoint gives and as one reads it. It takes time: use a thread."""

import io
import re
import wave
from math import ceil, gcd
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from services.caller.domain.media import SAMPLE_RATE_HZ
from services.caller.edges.speech.limits import MAX_SAID_SECONDS

PCM = re.compile(r"audio/(x-)?pcm\s*(;|$)")
PCM_RATE_HZ = 24_000  # what OpenAI's `pcm` is, which has no header
SLOWEST_RATE_HZ, FASTEST_RATE_HZ = 8_000, 96_000
MOST_CHANNELS = 8
# Who writes while he speaks does not know the length yet, and writes 2 or 4 GiB, give or take a header.
UNKNOWN_BYTES = 0x7FFF_FF00
RIFF_HEADER_BYTES = 8
FULL_SCALE = 32_767
ROLL_OFF = 0.95  # of the band that is left: from here on it fades out, so that edges do not ring
PADDING_SECONDS = 0.05  # a transform is a circle: the end must not sound in the beginning


class Unreadable(Exception):  # noqa: N818
    """No sound, or none that is taken. The text completes "The speech endpoint …"."""


def from_answer(body: bytes, content_type: str) -> bytes:
    """Return an answer's sound as frames have it, whatever libsndfile reads. Raises Unreadable."""
    sound = body if body[:4] == b"RIFF" or not PCM.match(content_type.strip().lower()) else None
    samples, rate_hz = _of_pcm(body, content_type) if sound is None else _of_file(sound)
    if not SLOWEST_RATE_HZ <= rate_hz <= FASTEST_RATE_HZ:
        raise Unreadable("gave sound of a sample rate that is not taken")
    if len(samples) > MAX_SAID_SECONDS * rate_hz:
        raise Unreadable("gave sound that is too long")
    return written(resampled(samples, rate_hz, SAMPLE_RATE_HZ))


def _of_pcm(body: bytes, content_type: str) -> tuple[NDArray[Any], int]:
    named = dict(part.strip().lower().partition("=")[::2] for part in content_type.split(";")[1:])
    rate = named.get("rate", str(PCM_RATE_HZ))
    if not rate.isdecimal() or named.get("channels", "1") != "1" or len(body) % 2:
        raise Unreadable("gave sound that could not be read")
    return np.frombuffer(body, "<i2") / np.float32(FULL_SCALE + 1), int(rate[:9])


def _of_file(body: bytes) -> tuple[NDArray[Any], int]:
    claimed = int.from_bytes(body[4:RIFF_HEADER_BYTES], "little")
    if body[:4] == b"RIFF" and len(body) - RIFF_HEADER_BYTES < claimed < UNKNOWN_BYTES:
        raise Unreadable("ended in the middle of its sound")
    try:
        with soundfile.SoundFile(io.BytesIO(body)) as file:
            most = round(MAX_SAID_SECONDS * min(file.samplerate, FASTEST_RATE_HZ)) + 1
            if file.channels > MOST_CHANNELS:
                raise Unreadable("gave sound that could not be read")
            return file.read(most, dtype="float32", always_2d=True).mean(axis=1), file.samplerate
    except (soundfile.SoundFileError, ValueError, TypeError, MemoryError):
        raise Unreadable("gave sound that could not be read") from None


def resampled(samples: NDArray[Any], rate_hz: int, to_hz: int) -> NDArray[Any]:
    """Return the same sound at another rate, by its spectrum: only what both rates can carry is left."""
    if rate_hz == to_hz or not len(samples):
        return samples
    common = gcd(rate_hz, to_hz)
    piece, becomes = 2 * rate_hz // common, 2 * to_hz // common
    pieces = ceil((len(samples) + PADDING_SECONDS * rate_hz) / piece)
    spectrum = np.fft.rfft(samples, pieces * piece)[: pieces * min(piece, becomes) // 2 + 1]
    faded = ceil(len(spectrum) * (1 - ROLL_OFF))
    spectrum[-faded:] *= np.linspace(1, 0, faded)
    whole = np.fft.irfft(spectrum, pieces * becomes) * (becomes / piece)
    return whole[: round(len(samples) * to_hz / rate_hz)]


def written(samples: NDArray[Any]) -> bytes:
    """Return samples between -1 and 1 as frames have them."""
    heard = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    sound: bytes = (np.clip(heard, -1, 1) * FULL_SCALE).round().astype("<i2").tobytes()
    return sound


def wav_of(sound: bytes) -> bytes:
    """Return a call's sound as a file that endpoints read."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(sound)
    return file.getvalue()
