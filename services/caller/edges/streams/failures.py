"""Why a stream to an agent could not be opened. What the customer is told has no address, no key and no word in it."""

from typing import Literal

# not_allowed: nothing was contacted. unreachable: no connection. untrusted: TLS. rejected: it answered no.
# no_answer: nothing in time. broken: no WebSocket, or not this protocol. hung_up: it closed at once.
Kind = Literal["not_allowed", "unreachable", "untrusted", "rejected", "no_answer", "broken", "hung_up"]

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
CODES = {
    "invalid_api_key": "it did not accept the key",
    "model_not_found": "it does not know this model",
    "insufficient_quota": "it wants to be paid first",
    "rate_limit_exceeded": "it gets too many requests",
    "invalid_value": "it did not accept the voice, or another value",
}
ELSEWHERE = "it points elsewhere, and no redirect is followed"


class NotOpened(Exception):  # noqa: N818
    """No call came about. `sentence` is for the customer, and its text."""

    def __init__(self, kind: Kind, rest: str) -> None:
        self.kind = kind
        self.sentence = f"The agent's endpoint {rest}"
        super().__init__(self.sentence)


def rejected(status: int) -> NotOpened:
    """Return what to tell of a handshake that was answered with another status than 101."""
    meaning = ELSEWHERE if 300 <= status < 400 else STATUSES.get(status)
    if 200 <= status < 300:
        return NotOpened("broken", NO_STREAM)
    return NotOpened("rejected", f"answered {status}" + (f": {meaning}" if meaning else ""))


def session_refused(code: str) -> NotOpened:
    """Return what to tell of a Realtime session that was refused. `code`: as the endpoint gave it."""
    meaning = CODES.get(code)
    return NotOpened("rejected", "refused the session" + (f": {meaning}" if meaning else ""))


def untrusted(reason: str) -> NotOpened:
    """Return what to tell where TLS failed. `reason`: one of those for HTTP endpoints."""
    return NotOpened("untrusted", f"could not be trusted: {reason.replace('http://', 'ws://')}")


def late(limit_seconds: float) -> NotOpened:
    """Return what to tell of an agent that did not answer in time."""
    return NotOpened("no_answer", f"did not answer in time: {limit_seconds:g} s are its limit")
