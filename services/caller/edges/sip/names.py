"""Reads and writes addresses as they stand in From, To, Contact and routes (RFC 3261, 20.10).

The library takes the first `<` for the address's, even inside a quoted name.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, unquote

from aiosipua.headers import parse_params, parse_uri

from services.caller.edges.sip.agent import Address

DEFAULT_PORT = 5060
MAX_PORT = 65_535
MAX_URI_CHARS = 1_024
_NAME_ADDR = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"|[^<"]*)\s*<([^<>]*)>(.*)', re.DOTALL)
_USER_KEPT = "+*#-_.!~'()&=$,"


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address: its URI as it was written, and its tag ("" without one)."""

    uri: str
    tag: str


def read_name_addr(text: str) -> NameAddr:
    """Read the value of From, To, Contact, Route or Record-Route. Raises ValueError."""
    if found := _NAME_ADDR.fullmatch(text):
        uri, parameters = found[1].strip(), found[2]
    else:
        uri, _, parameters = text.partition(";")
        uri = uri.strip()
        if not uri or any(character in uri for character in '<>" '):
            raise ValueError("no address")
    return NameAddr(uri, parse_params(parameters).get("tag") or "")


def is_sip_uri(uri: str) -> bool:
    """Say whether it can be put between `<` and `>` as it is."""
    sip = uri.lower().startswith(("sip:", "sips:")) and len(uri) <= MAX_URI_CHARS
    return sip and all(32 < ord(one) < 127 and one not in '<>"' for one in uri)


def user_of(uri: str) -> str:
    """Return who is meant: the user of a SIP URI, the number of a tel URI, "" if there is none."""
    if uri[:4].lower() == "tel:":
        return unquote(uri[4:].partition(";")[0])
    user = (parse_uri(uri).user or "").partition(":")[0]
    return unquote(user.partition(";")[0])


def host_port_of(uri: str) -> Address | None:
    """Return where a SIP URI leads, if it says so by an address; None for a name, for garbage, and for no UDP."""
    if uri[:4].lower() != "sip:":
        return None
    read = parse_uri(uri)
    if (read.params.get("transport") or "udp").lower() != "udp":
        return None
    return literal(read.params.get("maddr") or read.host, DEFAULT_PORT if read.port is None else read.port)


def literal(host: str, port: int) -> Address | None:
    """Return an address if it is one that can be sent to; names are none."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return None
    return (str(address), port) if 0 < port <= MAX_PORT else None


def is_loose(route: str) -> bool:
    """Say whether a route is of RFC 3261's kind (`lr`), not RFC 2543's."""
    return "lr" in parse_uri(read_name_addr(route).uri).params


def written_user(user: str) -> str:
    """Write a user into a URI, whatever is in it."""
    return quote(user, safe=_USER_KEPT)


def written_host(host: str) -> str:
    """Write an address into a URI or Via."""
    return f"[{host}]" if ":" in host else host


def sip_uri(user: str, where: Address) -> str:
    """Write a SIP URI."""
    at = f"{written_user(user)}@" if user else ""
    return f"sip:{at}{written_host(where[0])}:{where[1]}"


def name_addr(uri: str, tag: str = "", display: str = "") -> str:
    """Write an address with its tag."""
    shown = re.sub(r"[\x00-\x1f\x7f]", " ", display).replace("\\", "\\\\").replace('"', '\\"')
    return (f'"{shown}" ' if shown else "") + f"<{uri}>" + (f";tag={tag}" if tag else "")
