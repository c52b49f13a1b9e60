"""Our end of a call with sound, as calls have it: a leg on the real clock, whose two directions are kept."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from services.caller.domain.media import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ, MediaLeg
from services.caller.edges.calls.legs import SipLeg, peer_of
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.ports import MediaPort
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.sip.agent import SipCall
from tests.support.waiting import eventually

Samples = NDArray[np.float64]
AUDIBLE = 0.01  # of full scale
PURE_HZ = 20  # beside a tone, that are still the tone


class End:
    """Says a sound once, then nothing, and keeps what it hears."""

    def __init__(self, leg: MediaLeg, says: bytes) -> None:
        self.leg = leg
        self.digits = ""
        self._says = says
        self._heard: list[bytes] = []

    def tick(self, late_ms: float) -> None:
        """Take a tick."""
        at = len(self._heard) * FRAME_BYTES
        self._heard.append(self.leg.exchange(self._says[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0")))
        self.digits += self.leg.heard_digits()

    def heard(self, since_ms: int = 0) -> Samples:
        """Return what it has heard since then, -1 to 1."""
        return np.frombuffer(b"".join(self._heard[since_ms // FRAME_MS :]), "<i2") / 32_768

    @property
    def now_ms(self) -> int:
        """Return how long it has listened."""
        return len(self._heard) * FRAME_MS

    async def listens(self, ms: int) -> Samples:
        """Listen for so long from now on, on the media clock, and return what came."""
        since_ms = self.now_ms

        async def passed() -> bool:
            return self.leg.ended is not None or self.now_ms >= since_ms + ms

        await eventually(passed, what=f"{ms} ms of sound")
        return self.heard(since_ms)


@asynccontextmanager
async def a_clock() -> AsyncIterator[Clock]:
    """The media clock of a process."""
    clock = Clock()
    ticking = asyncio.create_task(clock.keep_time())
    try:
        yield clock
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking


@contextmanager
def an_end(call: SipCall, port: MediaPort, clock: Clock, *, says: bytes, silent_line_seconds: float) -> Iterator[End]:
    """Let an end of an answered call listen and talk."""
    rtp = RtpLeg(port, peer_of(call), skipped=clock.skipped, silent_line_seconds=silent_line_seconds)
    end = End(SipLeg(call, rtp), says)
    clock.add(end)
    try:
        yield end
    finally:
        clock.remove(end)
        rtp.close()


def loudness(samples: Samples) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0


def pitch_hz(samples: Samples) -> float:
    """Return the frequency of the strongest tone in it."""
    return float(np.argmax(_spectrum(samples)) * SAMPLE_RATE_HZ / len(samples))


def purity(samples: Samples) -> float:
    """Return how much of its energy is in the strongest tone: little, where it was read by another codec's law."""
    energy = np.square(_spectrum(samples))
    at, width = int(np.argmax(energy)), max(2, len(samples) * PURE_HZ // SAMPLE_RATE_HZ)
    return float(energy[max(0, at - width) : at + width + 1].sum() / energy.sum())


def _spectrum(samples: Samples) -> Samples:
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples))))


def voiced(samples: Samples) -> Samples:
    """Return it from its first audible sample to its last."""
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]
