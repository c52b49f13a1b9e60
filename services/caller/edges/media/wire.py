"""Datagrams in and out of a socket, without waiting; each with the time at which the kernel had it."""

import socket
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple

Address = tuple[str, int]

MAX_DATAGRAM_BYTES = 1_500
# A stranger's flood costs a tick so much and no more; what lies behind it waits for the next one.
MAX_DATAGRAMS_PER_READ = 200
RECEIVE_BUFFER_BYTES = 256 * 1024

_SO_TIMESTAMPNS = 35  # Linux, asm-generic/socket.h; the standard library has no name for it
_TRUNCATED = int(socket.MSG_TRUNC)  # an enum's & takes longer than all the rest here
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)


class Datagram(NamedTuple):
    """What came. `at`: when the kernel had it, in seconds of the wall clock. `whole`: it was not cut."""

    content: bytes
    source: Address
    at: float
    whole: bool


def open_socket(host: str, port: int) -> socket.socket:
    """Bind a UDP socket. Raises OSError."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        opened.bind((host, port))
    except BaseException:
        opened.close()
        raise
    return opened


def read_all(opened: socket.socket) -> Iterator[Datagram]:
    """Yield what has come, `MAX_DATAGRAMS_PER_READ` at most. Raises OSError if the socket is broken."""
    for _ in range(MAX_DATAGRAMS_PER_READ):
        try:
            content, ancillary, flags, source = opened.recvmsg(MAX_DATAGRAM_BYTES, _ANCILLARY_BYTES)
        except (BlockingIOError, ConnectionRefusedError):
            return
        yield Datagram(content, source, _stamped(ancillary), not flags & _TRUNCATED)


def _stamped(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(content) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(content)
            return float(seconds + nanoseconds / 1e9)
    return time.time()
