"""What a SIP user agent does for a call, whichever library reads its messages.

One agent for each process, over one UDP port. `agent_over_udp` in `user_agent.py` makes it.
"""

from asyncio import Future
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Address = tuple[str, int]  # an IP address and a port

PCMU = 0
PCMA = 8

# busy, rejected, no_answer, not_found, unavailable, forbidden: what the far end said, or did not. unreachable: nothing
# was heard at all. unsupported_codec: no G.711. unsupported_transport, not_allowed: nothing was sent. redirected: it
# named somebody else to call, whom we don't. broken: what it said was no SIP. stopped: this process hung up first.
RefusalKind = Literal[
    "busy",
    "rejected",
    "no_answer",
    "not_found",
    "unavailable",
    "forbidden",
    "unreachable",
    "unsupported_codec",
    "unsupported_transport",
    "not_allowed",
    "redirected",
    "broken",
    "stopped",
]
# us: `hang_up`. far_end: its BYE. session_timer: no refresh came, or none was answered. lost: it knows nothing of it.
EndedBy = Literal["us", "far_end", "session_timer", "lost"]


class CallRefused(Exception):  # noqa: N818
    """A call was not answered. `sentence` is for the customer: no address, number or header is in it.

    `sip_status` is what the far end answered, None where it said nothing.
    """

    def __init__(self, kind: RefusalKind, sip_status: int | None, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sip_status = sip_status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a trunk knows us by."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Media:
    """The far end's side of the sound: where it wants RTP, and as what. `dtmf_payload_type`: None if it takes none."""

    host: str
    port: int
    payload_type: int = PCMU
    dtmf_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Who ended an answered call, and a sentence about it."""

    by: EndedBy
    sentence: str


@dataclass(frozen=True, slots=True)
class Placing:
    """A call to be placed: `uri` says whom, `address` where (resolved and checked: `targets.py`).

    `local_media`: where we want RTP. `from_number`: the caller that the far end sees. `headers` go into the INVITE.
    `ring_limit_seconds`: from the INVITE to the answer; then it is cancelled.
    """

    uri: str = field(repr=False)
    address: Address
    from_number: str = field(repr=False)
    local_media: Address
    display: str = field(default="", repr=False)
    asserts_identity: bool = True  # P-Asserted-Identity says it as well
    credentials: Credentials | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ring_limit_seconds: float = 20.0


class SipCall(Protocol):
    """An answered call, whoever placed it."""

    @property
    def call_id(self) -> str:
        """The Call-ID of its dialog."""

    @property
    def media(self) -> Media:
        """Where its sound goes now; a re-INVITE may move it."""

    @property
    def held(self) -> bool:
        """Whether the far end holds it: it wants no sound, or sends none."""

    @property
    def setup_ms(self) -> int:
        """Milliseconds from the INVITE to its 200."""

    @property
    def ring_ms(self) -> int:
        """Milliseconds from the first 180 or 183 to the 200; 0 if it did not ring."""

    @property
    def ended(self) -> "Future[Ended]":
        """Who ended it, and why. Don't cancel it; `asyncio.shield` it where a wait may be cancelled."""

    def on_media(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever `media` or `held` has changed."""

    async def hang_up(self) -> None:
        """Send BYE, once, and wait a little for its answer. `ended` is set at once. Never raises; idempotent."""


PlacedCall = SipCall


@dataclass(frozen=True, slots=True)
class Invited:
    """An INVITE that passed the door. `from_number`: P-Asserted-Identity's user, or From's. `headers`: lower-case.

    `offer` is None where the far end leaves the offer to us; then `Accept` makes it.
    """

    call_id: str
    from_number: str = field(repr=False)
    to_user: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    offer: Media | None
    source: Address


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer it. Exactly one of the two is called, once: `answered` when the ACK is here, `abandoned` if none comes."""

    local_media: Address
    answered: Callable[[SipCall], None]
    abandoned: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse it with a final status, 400 to 699."""

    status: int = 486
    reason: str = ""


# Takes as long as the phone is to ring (180 is sent before it is asked). Cancelled if the far end cancels.
InviteHandler = Callable[[Invited], Awaitable[Accept | Refuse]]


class SipAgent(Protocol):
    """One user agent."""

    @property
    def port(self) -> int:
        """The UDP port that it is bound to."""

    async def start(self, host: str, port: int) -> None:
        """Bind. 0 takes any port. Raises OSError."""

    async def place(self, placing: Placing) -> PlacedCall:
        """Call somebody; returns when it is answered. Raises CallRefused. A cancelled wait cancels the call."""

    def on_invite(self, handler: InviteHandler) -> None:
        """Ask it about each INVITE from now on; without one all are refused (480)."""

    async def hang_up_all(self) -> None:
        """End each call, those that ring too, and take no more. Never raises."""

    async def aclose(self) -> None:
        """`hang_up_all`, then give the port back."""
