"""Two legs that talk to each other over loopback, ticked by hand."""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from services.caller.domain.impairments import Impairments
from services.caller.domain.media import FRAME_SAMPLES, SAMPLE_RATE_HZ, SILENCE
from services.caller.edges.media.packets import Packet
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import RtpPeer

HOST = "127.0.0.1"
RANGE = (21_000, 21_999)  # below what the kernel gives away by itself
DELIVERY_SECONDS = 5.0
PEER = RtpPeer((HOST, 0))


def packet_of(number: int) -> Packet:
    """Return the packet of that number."""
    return Packet(0, number & 0xFFFF, number * FRAME_SAMPLES & 0xFFFF_FFFF, 1, b"\x80" * FRAME_SAMPLES)


def tone(frames: int, hertz: float = 400.0, amplitude: int = 8_000) -> list[bytes]:
    """Return frames of a sine."""
    seconds = np.arange(frames * FRAME_SAMPLES) / SAMPLE_RATE_HZ
    sound = (amplitude * np.sin(2 * np.pi * hertz * seconds)).astype("<i2").tobytes()
    return [sound[at : at + len(SILENCE)] for at in range(0, len(sound), len(SILENCE))]


def peak(frame: bytes) -> int:
    """Return how loud a frame is."""
    return int(np.abs(np.frombuffer(frame, "<i2").astype(int)).max())


@contextmanager
def joined(
    peer: RtpPeer = PEER, *, ports: Ports | None = None, receives: Impairments | None = None, **settings: object
) -> Iterator[tuple[RtpLeg, RtpLeg]]:
    """Yield two legs with each other as their far ends. `receives`: the second one's impairments."""
    ports = ports or Ports(HOST, *RANGE, reuse_after_seconds=0.0)
    one, other = ports.take(), ports.take()
    legs = tuple(
        RtpLeg(mine, replace(peer, remote=(HOST, theirs.port)), impairments=bad, **settings)  # type: ignore[arg-type]
        for mine, theirs, bad in ((one, other, None), (other, one, receives))
    )
    for leg in legs:
        leg._ticks = 1  # as if it listened already: what the machine holds up is not from before the call
    try:
        yield legs[0], legs[1]
    finally:
        for leg in legs:
            leg.close()


def delivered(leg: RtpLeg) -> None:
    """Wait until the kernel has delivered what was sent: on a busy machine it does so a little later."""
    assert select.select([leg._port.rtp], [], [], DELIVERY_SECONDS)[0], "nothing was delivered"


def say(one: RtpLeg, other: RtpLeg, frames: list[bytes], *, between: Callable[[int], None] = lambda _: None) -> bytes:
    """Let one say frames; return what the other heard meanwhile, and a little after."""
    heard = b""
    for number, frame in enumerate([*frames, *[SILENCE] * 4]):
        one.exchange(frame)
        between(number)
        if not one.held:
            delivered(other)
        heard += other.exchange(SILENCE)
    return heard
