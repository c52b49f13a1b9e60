"""Reads datagrams into messages that the rest can rely on: what it needs of a message is here, or nothing is."""

import logging
from dataclasses import dataclass

from aiosipua.headers import Via, parse_via
from aiosipua.message import SipMessage, SipRequest, SipResponse

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.limits import (
    MAX_CALL_ID_CHARS,
    MAX_HEADER_CHARS,
    MAX_MESSAGE_BYTES,
    MAX_TAG_CHARS,
    MAX_VIAS,
)
from services.caller.edges.sip.names import literal, read_name_addr

MAX_CSEQ = 2**31 - 1
MAGIC_COOKIE = "z9hg4bk"
ONCE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type")

# It warns of each body that does not fit, with no limit to how often: strangers would write our log.
logging.getLogger("aiosipua").setLevel(logging.ERROR)


class Unreadable(Exception):  # noqa: N818
    """A datagram that is no message, or one that nobody could answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, as far as everybody needs it. `fault`: why it can't be served, as a status and its reason."""

    message: SipRequest
    source: Address
    via: Via
    method: str
    cseq: int
    call_id: str
    from_tag: str
    to_tag: str
    fault: tuple[int, str] | None

    @property
    def transaction(self) -> str:
        """Which transaction it belongs to (17.2.3); ACK and CANCEL belong to their INVITE's."""
        method = "INVITE" if self.method in ("ACK", "CANCEL") else self.method
        branch = self.via.branch or ""
        if branch.lower().startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE):
            return f"{branch} {self.via.host.lower()}:{self.via.port} {method}"
        # RFC 2543: the top Via as a whole stands in for the branch.
        via = self.message.headers.get_first("via")
        return f"{self.call_id} {self.from_tag} {self.cseq} {via} {method}"

    @property
    def answered_at(self) -> Address:
        """Where its responses go (RFC 3261, 18.2.2; RFC 3581)."""
        host, port = self.source
        if "rport" in self.via.params:
            return self.source
        return literal(host, self.via.port or 5060) or (host, port)


@dataclass(frozen=True, slots=True)
class Response:
    """A response, as far as everybody needs it."""

    message: SipResponse
    branch: str
    method: str
    status: int
    to_tag: str


def read(datagram: bytes, source: Address) -> Request | Response:
    """Read a datagram. Raises Unreadable."""
    if len(datagram) > MAX_MESSAGE_BYTES:
        raise Unreadable
    try:
        message = SipMessage.parse(datagram.lstrip(b"\r\n"))
        return _response(message) if isinstance(message, SipResponse) else _request(message, datagram, source)
    except ValueError:
        raise Unreadable from None


def _response(message: SipResponse) -> Response:
    if len(message.headers.get("via")) != 1 or not 100 <= message.status_code <= 699:
        raise Unreadable
    _number, method = _cseq(message)
    branch = parse_via(message.headers.get("via")[0]).branch
    if not branch:
        raise Unreadable
    return Response(message, branch, method, message.status_code, _tag(message, "to"))


def _request(message: SipRequest, datagram: bytes, source: Address) -> Request:
    vias = message.headers.get("via")
    if not vias or len(vias) > MAX_VIAS or any(_too_long(message, name) for name in ("via", *ONCE)):
        raise Unreadable
    via = parse_via(vias[0])
    call_id = message.call_id
    if not via.host or not call_id or len(call_id) > MAX_CALL_ID_CHARS:
        raise Unreadable
    number, method = _cseq(message)
    if method != message.method:
        fault: tuple[int, str] | None = (400, "CSeq Names Another Method")
    else:
        fault = _fault(message, datagram)
    return Request(
        message, source, via, message.method, number, call_id, _tag(message, "from"), _tag(message, "to"), fault
    )


def _fault(message: SipRequest, datagram: bytes) -> tuple[int, str] | None:
    headers = message.headers
    first_line = datagram.lstrip(b"\r\n").split(b"\n", 1)[0].split()
    if first_line[-1:] != [b"SIP/2.0"]:
        return 505, "Version Not Supported"
    if len(first_line) != 3:
        return 400, "Malformed Request-Line"
    if any(len(headers.get(name)) > 1 for name in ONCE):
        return 400, "Repeated Header"
    declared = headers.get_first("content-length")
    if declared is not None and (not declared.isascii() or not declared.isdigit() or int(declared) > len(message.body)):
        return 400, "Content-Length Does Not Fit"
    if not message.uri.lower().startswith(("sip:", "sips:")):
        return 416, "Unsupported URI Scheme"
    if any(character in message.uri for character in '<>"'):
        return 400, "Malformed Request-URI"
    if any(_too_long(message, name) for name in ("contact", "record-route", "p-asserted-identity")):
        return 400, "Header Too Long"
    return None


def _too_long(message: SipMessage, name: str) -> bool:
    return any(len(value) > MAX_HEADER_CHARS for value in message.headers.get(name))


def _cseq(message: SipMessage) -> tuple[int, str]:
    number, _, method = " ".join((message.headers.get_first("cseq") or "").split()).partition(" ")
    if not number.isascii() or not number.isdigit() or len(number) > 10 or int(number) > MAX_CSEQ:
        raise Unreadable
    return int(number), method


def _tag(message: SipMessage, name: str) -> str:
    value = message.headers.get_first(name)
    if value is None:
        raise Unreadable
    tag = read_name_addr(value).tag
    if len(tag) > MAX_TAG_CHARS:
        raise Unreadable
    return tag
