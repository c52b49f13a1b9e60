"""Two ends of a call over real sockets on loopback, ticked by hand: nothing here waits."""

import socket
import time
from dataclasses import replace

import pytest

from services.caller.domain.media import FRAME_BYTES, SILENCE, MediaLeg
from services.caller.edges.media.packets import write_packet
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import PCMA, PCMU, RtpPeer
from tests.unit.caller.media.pair import HOST, RANGE, joined, packet_of, peak, say, tone


@pytest.mark.parametrize("payload_type", [PCMU, PCMA])
def test_what_one_says_the_other_hears_sample_for_sample(payload_type: int) -> None:
    with joined(RtpPeer((HOST, 0), payload_type)) as (one, other):
        heard = say(one, other, tone(10))
        begin = len(heard) - len(heard.lstrip(b"\0"))
        assert begin <= 3 * FRAME_BYTES, "it waits a frame or two"
        assert peak(heard[begin : begin + 10 * FRAME_BYTES]) > 7_500
        assert other.stats().received == 14
        assert other.stats().lost == 0
        assert other.stats().concealed_ms == 0


def test_a_leg_is_what_the_contract_says() -> None:
    with joined() as (one, _):
        leg: MediaLeg = one
        assert leg.ended is None
        assert leg.exchange(SILENCE) == SILENCE
        assert leg.stats().jitter_ms is None, "nobody can know it before two packets have come"


def test_digits_go_beside_the_sound_and_are_heard_once() -> None:
    with joined(RtpPeer((HOST, 0), PCMU, 101)) as (one, other):
        one.send_digits("19*#d")
        heard = say(one, other, tone(100))
        assert other.heard_digits() == "19*#D"
        assert other.heard_digits() == ""
        assert other.stats().lost == 0
        assert other.stats().concealed_ms == 0
        assert peak(heard[-20 * FRAME_BYTES : -10 * FRAME_BYTES]) > 7_000


def test_digits_are_tones_where_no_events_were_agreed_on() -> None:
    with joined() as (one, other):
        one.send_digits("5")
        heard = say(one, other, [SILENCE] * 20)
        assert peak(heard) > 8_000
        assert other.heard_digits() == ""


def test_a_stranger_is_not_heard_even_from_the_same_host() -> None:
    with joined() as (one, other), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((HOST, 0))

        def talk(number: int) -> None:
            for sequence in (2 * number, 2 * number + 1):  # in order: a new source is believed with its second packet
                packet = packet_of(sequence)._replace(payload=b"\x90" * 160)
                stranger.sendto(write_packet(packet, begins=False), (HOST, one.remote[1]))

        heard = say(one, other, [SILENCE] * 20, between=talk)
        assert peak(heard) < 100
        assert other.stats().received == 24


def test_after_a_reinvite_the_new_address_is_heard_and_the_old_one_is_not() -> None:
    ports = Ports(HOST, *RANGE, reuse_after_seconds=0.0)
    with joined(ports=ports) as (one, other), joined(ports=ports) as (third, _):
        peer = RtpPeer(other.remote)
        say(one, other, tone(5))
        other.retarget(replace(peer, remote=_own(third)))
        third.retarget(RtpPeer(_own(other)))
        assert peak(say(one, other, tone(5))[-2 * FRAME_BYTES :]) == 0
        assert peak(say(third, other, tone(10))) > 7_000


def _own(leg: RtpLeg) -> tuple[str, int]:
    return (HOST, leg._port.port)


def test_a_held_call_is_silent_both_ways_and_is_not_given_up() -> None:
    with joined(silent_line_seconds=0.2) as (one, other):
        say(one, other, tone(5))
        one.exchange(SILENCE)
        before = one.stats().received
        for leg in (one, other):
            leg.retarget(RtpPeer(leg.remote, held=True))
        assert peak(say(one, other, tone(30))) == 0
        assert one.stats().received == before
        assert (one.ended, other.ended) == (None, None)
        other.retarget(RtpPeer(other.remote))
        one.retarget(RtpPeer(one.remote))
        assert peak(say(one, other, tone(10))) > 7_000


def test_a_line_on_which_nothing_comes_is_over_after_its_time() -> None:
    with joined(silent_line_seconds=0.2) as (one, _):
        for _ in range(9):
            one.exchange(SILENCE)
        assert one.ended is None
        one.exchange(SILENCE)
        assert one.ended == "silent_line"
        assert one.exchange(SILENCE) == SILENCE


def test_the_first_reason_of_an_end_stays() -> None:
    with joined() as (one, _):
        one.end("far_end")
        one.end("broken")
        one.close()
        assert one.ended == "far_end"


def test_frames_that_the_clock_left_out_are_left_out_on_the_wire() -> None:
    skipped = 0
    with joined(skipped=lambda: skipped) as (one, other):
        say(one, other, tone(10))
        before = other.heard_late().mean_ms
        skipped = 7
        say(one, other, tone(100))
        assert other.stats().lost == 0
        assert other.stats().concealed_ms == 0
        assert other.heard_late().mean_ms < before + 25


def test_what_came_before_anybody_listened_does_not_make_the_call_late() -> None:
    with joined() as (one, other):
        for frame in tone(40):
            one.exchange(frame)
        now = time.time() + 1.0
        other._now = lambda: now
        other._ticks = 0
        assert other.exchange(SILENCE) == SILENCE
        assert other.stats().received == 0


def test_rtcp_tells_both_ends_and_comes_from_the_peer_alone() -> None:
    with joined() as (one, other):
        say(one, other, tone(600))
        assert other._reports._last_sr != 0
        assert one._reports._last_sr != 0
