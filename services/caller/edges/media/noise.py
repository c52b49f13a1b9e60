"""Noise behind what the bot says, so many decibels below its speech."""

import random
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.caller.domain.impairments import NoiseKind
from services.caller.domain.media import FRAME_SAMPLES, SAMPLE_RATE_HZ

LOOP_SECONDS = 12  # then it begins anew
NOMINAL_RMS = 1_640.0  # -26 dB of full scale (ITU-T P.56's usual level): before anything is said
ACTIVE_RMS = 200.0  # a frame with less is a pause: the level of speech is that of what is spoken
BABBLE_VOICES = 12
SYLLABLES_HZ = 4.0

Wave = NDArray[np.float32]


class Background:
    """One call's noise. The speech's level is learned from what is said, so the first frames may be off."""

    def __init__(self, kind: NoiseKind, snr_db: float, seed: int) -> None:
        self._wave = noise_wave(kind)
        self._ratio = 10 ** (-snr_db / 20)
        frames = len(self._wave) // FRAME_SAMPLES
        self._frame = random.Random(f"{seed} noise").randrange(frames)  # noqa: S311
        self._power_sum = 0.0
        self._active_frames = 0

    def mixed(self, frame: bytes) -> bytes:
        """Return a frame with its noise: what is sent, and what is recorded."""
        said = np.frombuffer(frame, "<i2").astype(np.float32)
        power = float(said @ said) / FRAME_SAMPLES
        if power >= ACTIVE_RMS**2:
            self._power_sum += power
            self._active_frames += 1
        speech_rms = (self._power_sum / self._active_frames) ** 0.5 if self._active_frames else NOMINAL_RMS
        begin = self._frame * FRAME_SAMPLES
        self._frame = (self._frame + 1) % (len(self._wave) // FRAME_SAMPLES)
        noisy = said + self._wave[begin : begin + FRAME_SAMPLES] * (speech_rms * self._ratio)
        return bytes(np.clip(np.rint(noisy), -32_768, 32_767).astype("<i2").tobytes())


@lru_cache(maxsize=3)
def noise_wave(kind: NoiseKind) -> Wave:
    """Return noise with a root mean square of 1. Takes tens of ms the first time: ask for it before calls do."""
    generator = np.random.default_rng(8_000)
    samples = LOOP_SECONDS * SAMPLE_RATE_HZ
    match kind:
        case "white":
            wave = generator.normal(size=samples)
        case "pink":
            wave = _shaped(generator.normal(size=samples), slope=-0.5)
        case "babble":
            # Many voices at once: each with the spectrum of speech, and the rhythm of syllables of its own.
            wave = np.zeros(samples)
            for _ in range(BABBLE_VOICES):
                voice = _shaped(generator.normal(size=samples), slope=-1.0)
                wave += voice * np.abs(_slow(generator, samples))
    return np.asarray(wave / np.sqrt((wave * wave).mean()), np.float32)


def _shaped(wave: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    """Let strength fall with a power of the frequency, above 100 Hz."""
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ)
    return np.asarray(np.fft.irfft(spectrum * np.maximum(hertz, 100.0) ** slope * (hertz >= 50.0), len(wave)))


def _slow(generator: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Return a strength that comes and goes as syllables do."""
    knots = generator.normal(size=int(samples / SAMPLE_RATE_HZ * 2 * SYLLABLES_HZ))
    return np.interp(np.arange(samples), np.linspace(0, samples, len(knots)), knots)
