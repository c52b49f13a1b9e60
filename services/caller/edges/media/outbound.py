"""What goes to a far end: from frames to datagrams."""

import asyncio
import secrets
import socket

from aiortp import get_codec

from services.caller.domain.media import FRAME_MS, FRAME_SAMPLES
from services.caller.edges.media.digits import DigitsOut, EventPacket
from services.caller.edges.media.impaired import BadLine
from services.caller.edges.media.packets import Packet, write_packet
from services.caller.edges.media.reports import Reports
from services.caller.edges.media.rtp_peer import RtpPeer
from services.caller.edges.media.tones import mixed_tone

BROKEN_AFTER_TICKS = 2_000 // FRAME_MS  # in a row in which the kernel took nothing


class Outbound:
    """One direction of a leg. Its timestamps go on while it is held, and over frames that were left out."""

    def __init__(self, out: socket.socket, peer: RtpPeer, bad_line: BadLine | None = None) -> None:
        self.ssrc = secrets.randbits(32)
        self.digits = DigitsOut()
        self._out = out
        self._bad_line = bad_line
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self._event_timestamp = 0
        self._packets = self._octets = 0
        self._failed_ticks = 0
        self._begins = True  # the first packet of a stretch of sound carries the marker
        self.retarget(peer)

    def retarget(self, peer: RtpPeer) -> None:
        """Go on to another far end, or with another codec."""
        self._codec = get_codec(peer.payload_type)
        self._peer = peer

    @property
    def is_broken(self) -> bool:
        """Say whether nothing can be sent any more."""
        return self._failed_ticks >= BROKEN_AFTER_TICKS

    def skip(self, frames: int) -> None:
        """Leave out frames."""
        self._timestamp = (self._timestamp + frames * FRAME_SAMPLES) & 0xFFFF_FFFF
        self._begins = True

    def send(self, frame: bytes) -> None:
        """Send a frame, with the digits that are due."""
        if self._peer.held:
            self.skip(1)
            return
        events = self.digits.next_frame()
        if events and self._peer.digits_payload_type is None:
            frame = mixed_tone(frame, events[0])
        self._send(self._peer.payload_type, self._codec.encode(frame), self._timestamp, begins=self._begins)
        if self._peer.digits_payload_type is not None:
            self._send_events(self._peer.digits_payload_type, events)
        self._begins = False
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFF_FFFF

    def _send_events(self, payload_type: int, events: tuple[EventPacket, ...]) -> None:
        for event in events:
            if event.begins:
                self._event_timestamp = self._timestamp
            self._send(payload_type, event.payload, self._event_timestamp, begins=event.begins)

    def _send(self, payload_type: int, payload: bytes, timestamp: int, *, begins: bool) -> None:
        content = write_packet(Packet(payload_type, self._sequence, timestamp, self.ssrc, payload), begins=begins)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._packets += 1
        self._octets += len(payload)
        delay_ms = self._bad_line.delay_ms() if self._bad_line is not None else 0.0
        if delay_ms == 0.0:
            self._put(content)
        elif delay_ms is not None:
            asyncio.get_running_loop().call_later(delay_ms / 1_000, self._put, content)

    def _put(self, content: bytes) -> None:
        try:
            self._out.sendto(content, self._peer.remote)
            self._failed_ticks = 0
        except OSError:  # no room, no way there; or the call ended while it was delayed
            self._failed_ticks += 1

    def report(self, reports: Reports) -> bytes:
        """Return RTCP's report of what was sent, and of what came."""
        return reports.report(timestamp=self._timestamp, packets=self._packets, octets=self._octets)
