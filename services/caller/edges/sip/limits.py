"""The limits of a SIP user agent, each with its unit."""

from dataclasses import dataclass

MAX_MESSAGE_BYTES = 16_384
MAX_HEADER_CHARS = 2_048
MAX_CALL_ID_CHARS = 256
MAX_TAG_CHARS = 128
MAX_VIAS = 70
MAX_ROUTES = 20
MAX_MEDIA_SECTIONS = 16
MAX_TRANSACTIONS = 20_000
MAX_CHALLENGES_OF_REQUEST = 3
MAX_BRANCHES_OF_INVITE = 10  # far ends that answer one INVITE, behind a proxy that forks
MAX_REQUESTS_OF_CALL_A_SECOND = 10
MAX_RINGING_SECONDS = 180.0
INVITES_PER_SECOND = 50


@dataclass(frozen=True, slots=True)
class Timing:
    """Timers of RFC 3261 (table 4, UDP) and RFC 4028; how long a BYE's answer is waited for. Tests shorten them."""

    t1_seconds: float = 0.5
    t2_seconds: float = 4.0
    t4_seconds: float = 5.0
    hang_up_wait_seconds: float = 4.0
    session_expires_seconds: int = 90
    min_session_expires_seconds: int = 90

    @property
    def give_up_seconds(self) -> float:
        """Timers B, D, F, H, J, L and M: how long a request, or an answer, is sent again."""
        return 64 * self.t1_seconds


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """How many INVITEs are let in. Retransmissions don't count; strangers' neither: they are not let in."""

    invites_per_second: int = INVITES_PER_SECOND
    calls_at_once: int = 500

    @classmethod
    def for_calls(cls, calls: int) -> "DoorLimits":
        """Return the limits of a process that may place so many calls to itself, all in the same moment."""
        return cls(invites_per_second=max(INVITES_PER_SECOND, calls), calls_at_once=calls)
