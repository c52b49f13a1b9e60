"""Packets with anything wrong in them end no call, and nothing of them stays. The long form is a campaign."""

import random
import struct
import sys

import pytest

from services.caller.domain.media import SILENCE
from services.caller.edges.media.digits import MAX_DIGITS_WAITING
from services.caller.edges.media.reception import Reception
from services.caller.edges.media.reports import Reports
from tests.unit.caller.media.far_peer import a_call, hears

MUTATIONS = 10_000


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
