"""What came in of a far end's packets, reckoned as RFC 3550 says (A.1, A.3, A.8), by the kernel's times."""

from aiortp.packet import RtcpReceiverInfo, clamp_packets_lost

from services.caller.domain.media import SAMPLE_RATE_HZ
from services.caller.edges.media.packets import Packet
from services.caller.edges.media.serials import ahead16, ahead32

# What leaves these bounds is somebody's new beginning, or garbage: the packet after it tells (RFC 3550, A.1).
MAX_DROPOUT_PACKETS = 3_000
MAX_MISORDER_PACKETS = 100
REMEMBERED_PACKETS = 512  # in which a packet that comes twice is known
MAX_TRANSIT_CHANGE_SAMPLES = 10 * SAMPLE_RATE_HZ  # more is a clock that was set, no jitter


class _Source:
    """One stream of sequence numbers, counted on beyond 65 535."""

    def __init__(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self.first = self.highest = sequence
        self.received = 0
        self._seen = [-1] * REMEMBERED_PACKETS

    @property
    def expected(self) -> int:
        return self.highest - self.first + 1

    def is_new(self, number: int) -> bool:
        slot = number % REMEMBERED_PACKETS
        if self._seen[slot] == number:
            return False
        self._seen[slot] = number
        return True


class Reception:
    """Which packets are the far end's, and how they came.

    A source that changes is believed with its second packet in order, so that no single damaged one resets a call.
    """

    def __init__(self) -> None:
        self._source: _Source | None = None
        self._candidate: tuple[int, int] | None = None
        self._before_received = self._before_expected = 0
        self._transit: float | None = None
        self._last_timestamp = 0
        self._jitter = 0.0
        self._deviations = self._deviation_sum = 0.0
        self._told_expected = self._told_received = 0
        self.step = 0  # how far the last packet taken is ahead of those before it: 1 if none is missing between

    def take(self, packet: Packet, at: float, *, is_sound: bool) -> bool:
        """Count a packet; return whether it is to be used. `at`: its arrival in seconds, on any clock."""
        source = self._source or self._begin(packet)
        step = ahead16(packet.sequence_number, source.highest & 0xFFFF)
        if packet.ssrc != source.ssrc or not -MAX_MISORDER_PACKETS < step < MAX_DROPOUT_PACKETS:
            expected, self._candidate = self._candidate, (packet.ssrc, (packet.sequence_number + 1) & 0xFFFF)
            if expected != (packet.ssrc, packet.sequence_number):
                return False
            source, step = self._begin(packet), 0
        self._candidate = None
        number = source.highest + step
        if not source.is_new(number):
            return False
        self.step = step
        source.highest = max(source.highest, number)
        source.first = min(source.first, number)
        source.received += 1
        if is_sound:
            self._measure(packet.timestamp, at)
        return True

    def _begin(self, packet: Packet) -> _Source:
        if self._source is not None:
            self._before_received += self._source.received
            self._before_expected += self._source.expected
        self._transit = None
        self._source = _Source(packet.ssrc, packet.sequence_number)
        return self._source

    def _measure(self, timestamp: int, at: float) -> None:
        arrived = at * SAMPLE_RATE_HZ
        if self._transit is not None:
            # D(i-1,i) of RFC 3550, 6.4.1, for timestamps that begin anew.
            deviation = abs(arrived - self._transit - ahead32(timestamp, self._last_timestamp))
            if deviation < MAX_TRANSIT_CHANGE_SAMPLES:
                self._jitter += (deviation - self._jitter) / 16
                self._deviations += 1
                self._deviation_sum += deviation
        self._transit, self._last_timestamp = arrived, timestamp

    @property
    def received(self) -> int:
        """Return the packets that came, each once."""
        return self._before_received + (self._source.received if self._source else 0)

    @property
    def lost(self) -> int:
        """Return the packets that are missing between the first and the last."""
        expected = self._before_expected + (self._source.expected if self._source else 0)
        return max(0, expected - self.received)

    @property
    def jitter_ms(self) -> float | None:
        """Return the mean of D over all packets: what J of RFC 3550 estimates from the last sixteen or so."""
        if not self._deviations:
            return None
        return self._deviation_sum / self._deviations * 1_000 / SAMPLE_RATE_HZ

    def report(self, last_sr: int, since_sr: int) -> RtcpReceiverInfo | None:
        """Return the block of a receiver report, with what was lost since the last one."""
        if self._source is None:
            return None
        received, expected = self.received, self.received + self.lost
        expected_now, received_now = expected - self._told_expected, received - self._told_received
        self._told_expected, self._told_received = expected, received
        lost_now = expected_now - received_now
        return RtcpReceiverInfo(
            ssrc=self._source.ssrc,
            fraction_lost=min(255, (lost_now << 8) // expected_now) if expected_now > 0 and lost_now > 0 else 0,
            packets_lost=clamp_packets_lost(self.lost),
            highest_sequence=self._source.highest & 0xFFFF_FFFF,
            jitter=int(self._jitter),
            lsr=last_sr,
            dlsr=since_sr,
        )
