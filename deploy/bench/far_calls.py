"""The far ends of many calls, in a process of their own: they send a packet at each tick, and look at what comes."""

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection

import uvloop

from services.caller.domain.media import FRAME_SAMPLES
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.ports import MediaPort, Ports
from services.caller.edges.media.wire import read_all

_HEADER = struct.Struct("!BBHII")
_SOUND = bytes(range(FRAME_SAMPLES))
WARM_PACKETS = 50  # of each call, before its intervals count


@dataclass(frozen=True)
class Seen:
    """What the far ends saw of what was sent to them."""

    received: int
    lost: int
    interval_ms_p50: float
    interval_ms_p99: float
    interval_ms_max: float


@dataclass
class _FarEnd:
    port: MediaPort
    to: tuple[str, int]
    arrivals: list[tuple[int, float]] = field(default_factory=list)

    def send(self, number: int) -> None:
        header = _HEADER.pack(0x80, 0, number & 0xFFFF, number * FRAME_SAMPLES & 0xFFFF_FFFF, self.port.port)
        self.port.rtp.sendto(header + _SOUND, self.to)

    def hear(self) -> None:
        for datagram in read_all(self.port.rtp):
            self.arrivals.append((_HEADER.unpack_from(datagram.content)[2], datagram.at))


class FarEnds:
    """All of them, on one clock."""

    def __init__(self, ends: list[_FarEnd]) -> None:
        self._ends = ends
        self._number = 0

    def tick(self, late_ms: float) -> None:
        for end in self._ends:
            end.hear()
            end.send(self._number)
        self._number += 1

    @staticmethod
    def run(parent: Connection, host: str, ports: tuple[int, int], calls: int) -> None:
        """Be the far ends until the parent says so, then tell it what was seen."""
        pairs = Ports(host, *ports)
        taken = [pairs.take() for _ in range(calls)]
        for pair in taken:
            pair.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        parent.send([pair.port for pair in taken])
        theirs: list[int] = parent.recv()
        uvloop.run(_tick(parent, [_FarEnd(pair, (host, port)) for pair, port in zip(taken, theirs, strict=True)]))


async def _tick(parent: Connection, ends: list[_FarEnd]) -> None:
    clock, ticking = Clock(), FarEnds(ends)
    running = asyncio.create_task(clock.keep_time())
    clock.add(ticking)
    parent.send(None)
    await asyncio.to_thread(parent.recv)
    clock.remove(ticking)
    running.cancel()
    for end in ends:
        end.hear()
    parent.send(_seen(ends))


def _seen(ends: list[_FarEnd]) -> Seen:
    intervals_ms, lost, received = [], 0, 0
    for end in ends:
        received += len(end.arrivals)
        for (before, _), (after, _) in pairwise(end.arrivals):
            lost += (after - before - 1) & 0xFFFF
        warm = [at for _, at in end.arrivals[WARM_PACKETS:]]
        intervals_ms += [(after_at - before_at) * 1_000 for before_at, after_at in pairwise(warm)]
    ordered = sorted(intervals_ms) or [float("nan")]
    return Seen(received, lost, *(ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99, 1.0)))
