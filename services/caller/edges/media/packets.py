"""RTP packets as they nearly always are: twelve bytes of header, then the payload."""

import struct
from typing import NamedTuple

from aiortp import RtpPacket

HEADER = struct.Struct("!BBHII")
VERSION_2 = 0x80
_MARKER = 0x80


class Packet(NamedTuple):
    """What is used of a packet."""

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes


def read_packet(content: bytes) -> Packet:
    """Read a datagram. The library reads what has more than a plain header; it takes ten times as long.

    Raises what a parser raises on garbage, of whatever kind.
    """
    if len(content) >= HEADER.size and content[0] == VERSION_2:
        _, kind, sequence_number, timestamp, ssrc = HEADER.unpack_from(content)
        return Packet(kind & 0x7F, sequence_number, timestamp, ssrc, content[HEADER.size :])
    read = RtpPacket.parse(content)
    return Packet(read.payload_type, read.sequence_number, read.timestamp, read.ssrc, read.payload)


def write_packet(packet: Packet, *, begins: bool) -> bytes:
    """Return the datagram. `begins`: with the marker, of a stretch of sound or of an event."""
    kind = packet.payload_type | (_MARKER if begins else 0)
    return HEADER.pack(VERSION_2, kind, packet.sequence_number, packet.timestamp, packet.ssrc) + packet.payload
