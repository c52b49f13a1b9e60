"""Whatever comes from the negotiated peer itself, a leg goes on, and hears what is right again at once."""

from collections.abc import Callable

import pytest

from services.caller.domain.media import FRAME_SAMPLES, SILENCE
from services.caller.edges.media.wire import MAX_DATAGRAMS_PER_READ
from tests.unit.caller.media.far_peer import a_call, hears
from tests.unit.caller.media.pair import peak


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


@pytest.mark.parametrize("stalled_ticks", [3, 9, 30, 200])
def test_a_sender_that_is_late_from_now_on_is_waited_for(stalled_ticks: int) -> None:
    with a_call() as (leg, peer):
        hears(leg, peer)
        for _ in range(stalled_ticks):
            leg.exchange(SILENCE)
        hears(leg, peer, stalled_ticks + 5)
        assert min(hears(leg, peer, 1) for _ in range(20)) > 5_000


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


def test_packets_that_come_too_late_say_nothing_of_how_long_sound_is_kept() -> None:
    with a_call() as (leg, peer):
        hears(leg, peer, 20)
        before_ms = leg.heard_late().mean_ms
        for _ in range(9):
            leg.exchange(SILENCE)
        late = [peer.packet() for _ in range(8)]
        peer.send(*late)
        leg.exchange(SILENCE)
        assert leg.heard_late().mean_ms >= before_ms - 5, "they are 160 ms late, and not heard"
