"""Where a stream leads, and what the handshake carries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from services.caller.edges.streams.failures import (
    PASSWORD_IN_ADDRESS,
    UNREADABLE_ADDRESS,
    UNSENDABLE_HEADER,
    NotOpened,
)

MAX_HEADERS = 32
MAX_HEADER_CHARS = 4_096
# What the handshake itself is made of, and what says where it goes.
OURS = frozenset({"host", "upgrade", "connection", "content-length", "transfer-encoding", "proxy-authorization"})
_BLANK = re.compile(r"[\x00-\x20\x7f]")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class StreamEndpoint:
    """An agent behind a WebSocket. `headers` hold secrets that were resolved already; `org_id` says whose it is."""

    url: str
    org_id: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_url(url: str) -> WebSocketURI:
    """Return where a stream leads. Raises NotOpened."""
    try:
        read = parse_uri(url.strip())
        host, port = read.host.encode("ascii"), urlsplit(url.strip()).port
    except (InvalidURI, ValueError):  # UnicodeError and a port that is no number are ValueErrors
        raise NotOpened("not_allowed", UNREADABLE_ADDRESS) from None
    if not host or port == 0 or _BLANK.search(url.strip()):
        raise NotOpened("not_allowed", UNREADABLE_ADDRESS)
    if read.username is not None or "@" in url.partition("//")[2].partition("/")[0]:
        raise NotOpened("not_allowed", PASSWORD_IN_ADDRESS)
    return read


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers that can be sent beside the handshake's own. Raises NotOpened."""
    if len(headers) > MAX_HEADERS:
        raise NotOpened("not_allowed", UNSENDABLE_HEADER)
    for name, value in headers.items():
        fits = len(name) + len(value) <= MAX_HEADER_CHARS and value.isascii() and value.isprintable()
        ours = name.lower() in OURS or name.lower().startswith("sec-websocket-")
        if not fits or ours or not _NAME.fullmatch(name):
            raise NotOpened("not_allowed", UNSENDABLE_HEADER)
    return dict(headers)
