"""Whatever comes from the negotiated peer itself, a leg goes on, and hears what is right again at once."""

import random
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from services.caller.domain.media import FRAME_SAMPLES, SILENCE
from services.caller.edges.media.digits import MAX_DIGITS_WAITING
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.reception import Reception
from services.caller.edges.media.reports import Reports
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import RtpPeer
from services.caller.edges.media.wire import MAX_DATAGRAMS_PER_READ
from tests.unit.caller.media.pair import HOST, RANGE, peak

LOUD = b"\x90" * FRAME_SAMPLES  # µ-law
MUTATIONS = 10_000


class Peer:
    """The negotiated far end, byte by byte."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.rtp, self.rtcp = _even_pair()
        self.to = to
        self.sequence, self.timestamp, self.ssrc = 100, 16_000, 7

    def packet(self, payload: bytes = LOUD, payload_type: int = 0) -> bytes:
        """Return the next packet."""
        header = struct.pack("!BBHII", 0x80, payload_type, self.sequence & 0xFFFF, self.timestamp, self.ssrc)
        self.sequence += 1
        self.timestamp = (self.timestamp + FRAME_SAMPLES) & 0xFFFF_FFFF
        return header + payload

    def send(self, *packets: bytes) -> None:
        """Send them."""
        for packet in packets:
            self.rtp.sendto(packet, self.to)


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


def test_another_source_is_believed_with_its_second_packet_and_one_packet_of_it_is_not() -> None:
    with a_call() as (leg, peer):
        hears(leg, peer)
        lone = peer.packet()
        peer.sequence -= 1
        peer.timestamp -= FRAME_SAMPLES
        peer.send(lone[:8] + b"\x00\x00\x00\x63" + lone[12:])
        assert hears(leg, peer) > 5_000
        assert leg.stats().lost == 0
        peer.ssrc, peer.sequence, peer.timestamp = 9, 60_000, 0x7FFF_0000
        assert hears(leg, peer, 10) > 5_000
        assert leg.stats().received == 5 + 5 + 9
        assert leg.stats().lost == 0


@pytest.mark.parametrize("jump", [8_000 * 3_600, -8_000 * 3_600, 0x7FFF_FF00, 12_345])
def test_a_timestamp_that_jumps_is_believed_with_the_packet_after_it(jump: int) -> None:
    with a_call() as (leg, peer):
        hears(leg, peer)
        peer.timestamp = (peer.timestamp + jump) & 0xFFFF_FFFF
        assert hears(leg, peer, 8) > 5_000
        for _ in range(60):
            peer.send(peer.packet())
            last = leg.exchange(SILENCE)
        assert peak(last) > 5_000


def test_numbers_that_begin_anew_lose_nothing() -> None:
    with a_call() as (leg, peer):
        peer.sequence, peer.timestamp = 65_530, 0xFFFF_FFFF - 800
        assert hears(leg, peer, 40) > 5_000
        assert (leg.stats().received, leg.stats().lost, leg.stats().concealed_ms) == (40, 0, 0)


def test_what_comes_twice_or_crossed_is_heard_once_in_order() -> None:
    with a_call() as (leg, peer):
        hears(leg, peer, 3)
        for _ in range(20):
            first, second = peer.packet(), peer.packet()
            peer.send(second, first, first, second)
            leg.exchange(SILENCE)
            leg.exchange(SILENCE)
        assert leg.stats().received == 43
        assert leg.stats().lost == 0
        assert leg.stats().concealed_ms == 0


@pytest.mark.parametrize("samples", [80, 160, 240, 480, 37])
def test_packets_may_be_of_any_length(samples: int) -> None:
    with a_call() as (leg, peer):
        heard, sent = b"", 0
        while sent < 16_000:
            peer.timestamp = 500 + sent
            peer.send(peer.packet(b"\x90" * samples))
            sent += samples
            while len(heard) // 2 + FRAME_SAMPLES <= sent:
                heard += leg.exchange(SILENCE)
        quiet = heard.lstrip(b"\0").count(b"\0\0")
        assert quiet <= FRAME_SAMPLES, "without a hole"
        assert leg.stats().lost == 0


def test_a_pause_of_the_sender_is_no_loss_and_speech_after_it_is_in_time() -> None:
    with a_call() as (leg, peer):
        hears(leg, peer)
        for _ in range(200):
            peer.timestamp += FRAME_SAMPLES
            leg.exchange(SILENCE)
        assert hears(leg, peer, 3) > 5_000
        assert (leg.stats().lost, leg.stats().concealed_ms) == (0, 0)


def test_a_burst_after_a_stall_of_the_sender_does_not_make_the_call_late_for_ever() -> None:
    with a_call() as (leg, peer):
        hears(leg, peer)
        for _ in range(8):
            leg.exchange(SILENCE)
        peer.send(*[peer.packet() for _ in range(8)])
        assert hears(leg, peer, 20) > 5_000
        calm = b"\xff" * FRAME_SAMPLES
        for _ in range(1_500):
            peer.send(peer.packet(calm))
            leg.exchange(SILENCE)
        peer.send(peer.packet())
        ticks = next(ticks for ticks in range(20) if peak(leg.exchange(SILENCE)) > 5_000)
        assert ticks <= 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packet: b"",
        lambda packet: packet[:11],
        lambda packet: packet[:12],
        lambda packet: b"\x00" + packet[1:],
        lambda packet: b"\xbf" + packet[1:],
        lambda packet: packet[:1] + b"\x12" + packet[2:],
        lambda packet: packet + bytes(1_400),
        lambda packet: packet + bytes(60_000),
        lambda packet: packet[:1] + b"\x65" + packet[2:12] + b"\x05",
        lambda packet: packet[:1] + b"\x65" + packet[2:12] + b"\xff\xff\xff\xff",
        lambda packet: b"\x90" + packet[1:12] + b"\xbe\xde\xff\xff" + packet[12:],
        lambda packet: b"\xa0" + packet[1:-1] + b"\xff",
    ],
)
def test_what_is_no_packet_of_the_call_is_dropped(spoil: Callable[[bytes], bytes]) -> None:
    with a_call() as (leg, peer):
        hears(leg, peer)
        peer.send(spoil(peer.packet()))
        leg.exchange(SILENCE)
        assert hears(leg, peer) > 5_000
        assert leg.ended is None
        assert leg.heard_digits() == ""


def test_a_flood_costs_a_tick_no_more_than_its_share() -> None:
    with a_call() as (leg, peer):
        hears(leg, peer)
        before = leg.stats().received
        peer.send(*[peer.packet() for _ in range(MAX_DATAGRAMS_PER_READ)])
        peer.send(*[peer.packet() for _ in range(20)])
        leg.exchange(SILENCE)
        assert leg.stats().received <= before + MAX_DATAGRAMS_PER_READ


def mutated(packet: bytes, dice: random.Random) -> bytes:
    """Return a packet with something wrong."""
    spoiled = bytearray(packet)
    match dice.randrange(6):
        case 0:
            return bytes(spoiled[: dice.randrange(len(spoiled) + 1)])
        case 1:
            return bytes(spoiled) + dice.randbytes(dice.randrange(1, 3_000))
        case 2:
            return dice.randbytes(dice.randrange(0, 300))
        case 3:
            spoiled[dice.randrange(min(16, len(spoiled)))] = dice.randrange(256)
        case 4:
            for _ in range(dice.randrange(1, 20)):
                spoiled[dice.randrange(len(spoiled))] ^= 1 << dice.randrange(8)
        case _:
            at = dice.randrange(len(spoiled))
            spoiled[at:at] = dice.randbytes(dice.randrange(1, 40))
    return bytes(spoiled)


@pytest.mark.parametrize("mutations", [4_000, pytest.param(MUTATIONS, marks=pytest.mark.campaign)])
def test_mutations_end_neither_the_call_nor_leak_anything(mutations: int) -> None:
    dice = random.Random(20_260)
    with a_call(silent_line_seconds=3_600.0) as (leg, peer):
        reports = Reports(5, Reception())
        halfway = 0
        for number in range(mutations):
            if number == mutations // 2:
                halfway = sys.getallocatedblocks()
            digit = struct.pack("!BBH", dice.randrange(20), 0x8A, 1_280)
            good = peer.packet(digit, 101) if number % 10 == 0 else peer.packet()
            peer.send(mutated(good, dice), good)
            report = reports.report(timestamp=1, packets=1, octets=160)
            peer.rtcp.sendto(mutated(report, dice), (peer.to[0], peer.to[1] + 1))
            leg.exchange(SILENCE)
        assert sys.getallocatedblocks() - halfway < 1_500, "a block for each packet would be more"
        assert leg.ended is None
        assert len(leg.heard_digits()) <= MAX_DIGITS_WAITING
        assert hears(leg, peer, 20) > 5_000
