"""What a player draws of a recording before it loads it."""

import json

import numpy as np
from numpy.typing import NDArray

from services.caller.domain.media import FRAME_SAMPLES, SAMPLE_RATE_HZ

MAX_PEAKS = 2_000  # of a channel
FULL_SCALE = 32_768

Samples = NDArray[np.int16]


class Peaks:
    """The loudest sample of each stretch. Stretches grow with the recording, so that there are never too many."""

    def __init__(self) -> None:
        self._stretch_samples = FRAME_SAMPLES
        self._done: list[NDArray[np.int32]] = []
        self._count = 0
        self._rest: Samples = np.empty((0, 2), np.int16)
        self._samples = 0

    def add(self, sound: Samples) -> None:
        """Take more samples, one row for both channels."""
        self._samples += len(sound)
        sound = np.concatenate((self._rest, sound)) if len(self._rest) else sound
        whole = len(sound) // self._stretch_samples
        self._rest = sound[whole * self._stretch_samples :].copy()
        if whole:
            stretches = sound[: whole * self._stretch_samples].reshape(whole, self._stretch_samples, 2)
            self._done.append(np.abs(stretches.astype(np.int32)).max(axis=1))
            self._count += whole
        while self._count > 2 * MAX_PEAKS:
            self._grow()

    def _grow(self) -> None:
        done = np.concatenate(self._done)
        pairs = len(done) // 2
        if len(done) % 2:
            # The odd one out would need the sound that it was made of: its peak stands for it, a stretch long.
            odd = np.repeat(done[-1:], self._stretch_samples, axis=0)
            self._rest = np.concatenate((np.minimum(odd, FULL_SCALE - 1).astype(np.int16), self._rest))
        self._done = [done[: 2 * pairs].reshape(pairs, 2, 2).max(axis=1)]
        self._count = pairs
        self._stretch_samples *= 2

    def to_json(self) -> str:
        """Return at most `MAX_PEAKS` of each channel, from 0 to 1."""
        tail = [np.abs(self._rest.astype(np.int32)).max(axis=0, keepdims=True)] if len(self._rest) else []
        peaks = np.concatenate([*self._done, *tail]) if self._done or tail else np.empty((0, 2), np.int32)
        stretch_samples = self._stretch_samples
        while len(peaks) > MAX_PEAKS:
            if len(peaks) % 2:
                peaks = np.concatenate((peaks, peaks[-1:]))
            peaks = peaks.reshape(-1, 2, 2).max(axis=1)
            stretch_samples *= 2
        left, right = (np.round(peaks[:, channel] / FULL_SCALE, 3).tolist() for channel in (0, 1))
        return json.dumps(
            {
                "sample_rate_hz": SAMPLE_RATE_HZ,
                "samples_per_peak": stretch_samples,
                "duration_ms": self._samples * 1_000 // SAMPLE_RATE_HZ,
                "left": left,
                "right": right,
            },
            separators=(",", ":"),
        )
