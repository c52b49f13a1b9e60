"""DTMF as tones (ITU-T Q.23), for far ends that agreed on no events."""

from functools import lru_cache

import numpy as np
from aiortp import DtmfEvent
from numpy.typing import NDArray

from services.caller.domain.media import FRAME_SAMPLES, SAMPLE_RATE_HZ
from services.caller.edges.media.digits import EventPacket

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYPAD = ("123A", "456B", "789C", "*0#D")
AMPLITUDE = 6_000  # of each of the two tones


def mixed_tone(frame: bytes, event: EventPacket) -> bytes:
    """Return a frame with the part of a digit's tones that is due in it."""
    tone = _tone(DtmfEvent.parse(event.payload).digit, event.age_samples)
    mixed = np.frombuffer(frame, "<i2").astype(np.int32) + tone
    return bytes(np.clip(mixed, -32_768, 32_767).astype("<i2").tobytes())


@lru_cache(maxsize=256)
def _tone(digit: str, age_samples: int) -> NDArray[np.int32]:
    row = next(index for index, keys in enumerate(KEYPAD) if digit in keys)
    seconds = (age_samples + np.arange(FRAME_SAMPLES)) / SAMPLE_RATE_HZ
    low, high = LOW_HZ[row], HIGH_HZ[KEYPAD[row].index(digit)]
    return (AMPLITUDE * (np.sin(2 * np.pi * low * seconds) + np.sin(2 * np.pi * high * seconds))).astype(np.int32)
