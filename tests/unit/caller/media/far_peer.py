"""The negotiated far end of a leg, byte by byte."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from services.caller.domain.media import FRAME_SAMPLES, SILENCE
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import RtpPeer
from tests.unit.caller.media.pair import HOST, RANGE, delivered, peak

LOUD = b"\x90" * FRAME_SAMPLES  # µ-law


class Peer:
    """The negotiated far end, byte by byte."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.rtp, self.rtcp = _even_pair()
        self.to = to
        self.heard_by: RtpLeg | None = None
        self.sequence, self.timestamp, self.ssrc = 100, 16_000, 7

    def packet(self, payload: bytes = LOUD, payload_type: int = 0) -> bytes:
        """Return the next packet."""
        header = struct.pack("!BBHII", 0x80, payload_type, self.sequence & 0xFFFF, self.timestamp, self.ssrc)
        self.sequence += 1
        self.timestamp = (self.timestamp + FRAME_SAMPLES) & 0xFFFF_FFFF
        return header + payload

    def send(self, *packets: bytes) -> None:
        """Send them, and wait until the first of them is delivered."""
        for packet in packets:
            self.rtp.sendto(packet, self.to)
        if self.heard_by is not None:
            delivered(self.heard_by)


def _even_pair() -> tuple[socket.socket, socket.socket]:
    port = Ports(HOST, *RANGE, reuse_after_seconds=0.0).take()
    return port.rtp, port.rtcp


@contextmanager
def a_call(silent_line_seconds: float = 20.0) -> Iterator[tuple[RtpLeg, Peer]]:
    """Yield a leg, and its far end."""
    ports = Ports(HOST, *RANGE, reuse_after_seconds=0.0)
    port = ports.take()
    peer = Peer((HOST, port.port))
    leg = RtpLeg(port, RtpPeer(peer.rtp.getsockname(), 0, 101), silent_line_seconds=silent_line_seconds)
    peer.heard_by = leg
    leg._ticks = 1  # as if it listened already
    try:
        yield leg, peer
    finally:
        leg.close()
        peer.rtp.close()
        peer.rtcp.close()
        assert ports.in_use == 0


def hears(leg: RtpLeg, peer: Peer, ticks: int = 5) -> int:
    """Let the far end talk; return how loud it is heard."""
    loudest = 0
    for _ in range(ticks):
        peer.send(peer.packet())
        loudest = max(loudest, peak(leg.exchange(SILENCE)))
    return loudest
