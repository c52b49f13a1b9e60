"""What two ends agreed on by SDP."""

from dataclasses import dataclass

from services.caller.edges.media.wire import Address

PCMU, PCMA = 0, 8
COMFORT_NOISE = 13


@dataclass(frozen=True, slots=True)
class RtpPeer:
    """The far end of a leg: where its sound goes and comes from alone, and how it is coded.

    `digits_payload_type`: of telephone events; None: digits are sent as tones. `held`: nothing is sent, and what comes
    is not heard. RTCP is on the port above unless the far end said otherwise.
    """

    remote: Address
    payload_type: int = PCMU
    digits_payload_type: int | None = None
    held: bool = False
    rtcp_remote: Address | None = None

    @property
    def reports(self) -> Address:
        """Return where RTCP goes and comes from."""
        return self.rtcp_remote or (self.remote[0], self.remote[1] + 1)
