"""Why a stream to an agent could not be opened. What the customer is told has no address, no key and no word in it."""

from typing import Literal

# not_called: nothing was contacted. unreachable: no connection. untrusted: TLS. refused: it answered no.
# no_answer: nothing in time. unspeakable: no WebSocket, or not this protocol. hung_up: it closed at once.
Kind = Literal["not_called", "unreachable", "untrusted", "refused", "no_answer", "unspeakable", "hung_up"]

NO_ADDRESS = "has no address that is called from here: its name is unknown, or leads inside"
UNREADABLE_ADDRESS = "has an address that cannot be read"
PASSWORD_IN_ADDRESS = "has a password in its address: secrets are named by reference"  # noqa: S105
UNSENDABLE_HEADER = "has a header that cannot be sent"
NOT_REACHED = "could not be reached"
NO_STREAM = "does not speak WebSocket there"
HUNG_UP_UNHEARD = "ended the connection without an answer"
CLOSED_AT_ONCE = "accepted the call and closed the connection at once"
STATUSES = {
    401: "it did not accept the key",
    403: "it did not accept the key for this",
    404: "it does not know this address",
    405: "its address is not one for WebSockets",
    426: "its address is not one for this version of WebSockets",
    429: "it gets too many requests",
}
ELSEWHERE = "it points elsewhere, and no redirect is followed"


class NotOpened(Exception):  # noqa: N818
    """No call came about. Its text is the sentence for the customer."""

    def __init__(self, kind: Kind, rest: str) -> None:
        super().__init__(f"The agent's endpoint {rest}")
        self.kind = kind


def rejected(status: int) -> NotOpened:
    """Return what to tell of a handshake that was answered with another status than 101."""
    meaning = ELSEWHERE if 300 <= status < 400 else STATUSES.get(status)
    if 200 <= status < 300:
        return NotOpened("unspeakable", NO_STREAM)
    return NotOpened("refused", f"answered {status}" + (f": {meaning}" if meaning else ""))


def late(limit_seconds: float) -> NotOpened:
    """Return what to tell of an agent that did not answer in time."""
    return NotOpened("no_answer", f"did not answer in time: {limit_seconds:g} s are its limit")
