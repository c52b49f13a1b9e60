"""A worker measures itself before it measures others: pulses to itself over loopback, along the way of every call."""

import asyncio
from dataclasses import dataclass
from math import hypot
from statistics import fmean, pstdev

import numpy as np

from services.caller.domain.media import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, SILENCE, MediaClock
from services.caller.edges.media.ports import MediaPort, Ports
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import RtpPeer

PULSES = 12
PULSE_EVERY_TICKS = 10
PULSE_LEVEL = 12_000
CALIBRATION_LIMIT_SECONDS = 10.0

_PULSE = np.where(np.arange(FRAME_SAMPLES) % 2, PULSE_LEVEL, -PULSE_LEVEL).astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class Offset:
    """By how much this worker hears late beyond what its legs know of, and the standard deviation of that."""

    ms: float
    spread_ms: float


# What is said of a worker that could not measure itself: half a frame, either way.
UNKNOWN_OFFSET = Offset(0.0, FRAME_MS / 2)


class _Echo:
    """Sends pulses to itself, and notes where they are heard."""

    def __init__(self, port: MediaPort) -> None:
        self.leg = RtpLeg(port, RtpPeer((port.host, port.port)))
        self.done = asyncio.Event()
        self._heard: list[bytes] = []
        self.ticks_late_ms: list[float] = []

    def tick(self, late_ms: float) -> None:
        self.ticks_late_ms.append(late_ms)
        pulses = len(self._heard) % PULSE_EVERY_TICKS == PULSE_EVERY_TICKS // 2
        self._heard.append(self.leg.exchange(_PULSE if pulses else SILENCE))
        if len(self._heard) > (PULSES + 1) * PULSE_EVERY_TICKS:
            self.done.set()

    def offsets_ms(self) -> list[float]:
        """Return by how much each pulse was heard late. One that was not heard is none."""
        heard = np.abs(np.frombuffer(b"".join(self._heard), "<i2").astype(np.int32)) > PULSE_LEVEL // 2
        begins = np.flatnonzero(heard[1:] & ~heard[:-1]) + 1
        stretch = PULSE_EVERY_TICKS * FRAME_SAMPLES
        sent = stretch // 2 + np.arange(PULSES) * stretch
        late_ms = self.leg.heard_late().mean_ms
        found = [begins[(begins >= at) & (begins < at + stretch)][:1] for at in sent]
        return [
            float(begin[0] - at) * 1_000 / SAMPLE_RATE_HZ - late_ms
            for at, begin in zip(sent, found, strict=True)
            if len(begin)
        ]


async def calibrate(clock: MediaClock, ports: Ports, *, limit_seconds: float = CALIBRATION_LIMIT_SECONDS) -> Offset:
    """Measure this worker. Takes a few seconds beside whatever else it does. Raises PortsUsedUp."""
    echo = _Echo(ports.take())
    clock.add(echo)
    try:
        async with asyncio.timeout(limit_seconds):
            await echo.done.wait()
    except TimeoutError:
        return UNKNOWN_OFFSET
    finally:
        clock.remove(echo)
        echo.leg.close()
    offsets_ms = echo.offsets_ms()
    if len(offsets_ms) < PULSES / 2:
        return UNKNOWN_OFFSET
    # A tick that is late says late and hears late: that cancels in the mean, and is in each latency.
    return Offset(fmean(offsets_ms), hypot(pstdev(offsets_ms), pstdev(echo.ticks_late_ms)))
