"""What comes from a far end: from datagrams to samples in their place."""

from aiortp import Codec, get_codec

from services.caller.domain.media import FRAME_SAMPLES, SAMPLE_RATE_HZ
from services.caller.edges.media.delay import DelayMeter
from services.caller.edges.media.digits import DigitsIn
from services.caller.edges.media.packets import Packet, read_packet
from services.caller.edges.media.playout import Playout
from services.caller.edges.media.reception import Reception
from services.caller.edges.media.rtp_peer import COMFORT_NOISE, RtpPeer
from services.caller.edges.media.wire import Datagram
from services.caller.metrics import MEDIA_PACKETS_REFUSED

MAX_PAYLOAD_SAMPLES = 960  # 120 ms; nobody packs more, and no path carries much more in one piece


class Inbound:
    """One direction of a leg. Whatever comes, it is taken or counted as refused."""

    def __init__(self, peer: RtpPeer) -> None:
        self.reception = Reception()
        self.playout = Playout()
        self.digits = DigitsIn()
        self.delay = DelayMeter()
        self.ticks = 0  # that have passed when a datagram is taken
        self._codec: Codec = get_codec(peer.payload_type)
        self._peer = peer

    def retarget(self, peer: RtpPeer) -> None:
        """Go on with another far end, or another codec."""
        self._codec = get_codec(peer.payload_type)
        self._peer = peer

    def take(self, datagram: Datagram, now: float) -> bool:
        """Take a datagram of the far end; return whether it is one of the call."""
        reason = self._refusal(datagram, now)
        if reason:
            MEDIA_PACKETS_REFUSED.labels(reason).inc()
        return not reason

    def _refusal(self, datagram: Datagram, now: float) -> str:
        try:
            packet = read_packet(datagram.content)
        except Exception:  # whatever a parser does with garbage: it is none of ours
            return "garbage"
        if not datagram.whole or len(packet.payload) > MAX_PAYLOAD_SAMPLES:
            return "too_long"
        if packet.payload_type == self._peer.payload_type:
            return self._sound(packet, datagram.at, now)
        if packet.payload_type not in (self._peer.digits_payload_type, COMFORT_NOISE):
            return "payload_type"
        if not self.reception.take(packet, datagram.at, is_sound=False):
            return "stray"
        if packet.payload_type == self._peer.digits_payload_type and not self.digits.take(packet):
            return "garbage"
        return ""

    def _sound(self, packet: Packet, at: float, now: float) -> str:
        if not packet.payload:
            return "garbage"
        if not self.reception.take(packet, at, is_sound=True):
            return "stray"
        slack = self.playout.write(packet.timestamp, self._codec.decode(packet.payload), self.reception.step)
        if slack is None:
            return "stray"
        if slack >= 0:  # what came too late is not heard: it says nothing of how long sound is kept
            self.delay.add((now - at) * 1_000 + slack * 1_000 / SAMPLE_RATE_HZ, self.ticks + slack // FRAME_SAMPLES)
        return ""
