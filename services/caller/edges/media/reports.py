"""RTCP: what we say about ourselves and about what comes in, and what the far end says of itself."""

import time

from aiortp import RtcpByePacket, RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket
from aiortp.clock import current_ntp_time
from aiortp.packet import RtcpSenderInfo, RtcpSourceInfo

from services.caller.edges.media.reception import Reception

_CNAME = 1


class Reports:
    """Reports of one leg. The canonical name says nothing of the host: it is the source's number."""

    def __init__(self, ssrc: int, reception: Reception) -> None:
        self._ssrc = ssrc
        self._reception = reception
        self._last_sr = 0  # the middle 32 bits of its time
        self._last_sr_at = 0.0

    def hear(self, content: bytes) -> bool:
        """Read what came; return whether it is RTCP."""
        try:
            packets = RtcpPacket.parse(content)
        except Exception:  # whatever a parser does with garbage: it is none of ours
            return False
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                self._last_sr = (packet.sender_info.ntp_timestamp >> 16) & 0xFFFF_FFFF
                self._last_sr_at = time.monotonic()
        return bool(packets)

    def report(self, *, timestamp: int, packets: int, octets: int) -> bytes:
        """Return a sender's report, or a receiver's while nothing was sent."""
        since = int((time.monotonic() - self._last_sr_at) * 65_536) & 0xFFFF_FFFF if self._last_sr else 0
        block = self._reception.report(self._last_sr, since)
        blocks = [block] if block else []
        if packets:
            sender = RtcpSenderInfo(current_ntp_time(), timestamp, packets & 0xFFFF_FFFF, octets & 0xFFFF_FFFF)
            first = bytes(RtcpSrPacket(self._ssrc, sender, blocks))
        else:
            first = bytes(RtcpRrPacket(self._ssrc, blocks))
        return first + self._name()

    def goodbye(self) -> bytes:
        """Return the end of this source."""
        return bytes(RtcpRrPacket(self._ssrc, [])) + self._name() + bytes(RtcpByePacket([self._ssrc]))

    def _name(self) -> bytes:
        return bytes(RtcpSdesPacket([RtcpSourceInfo(self._ssrc, [(_CNAME, b"%08x" % self._ssrc)])]))
