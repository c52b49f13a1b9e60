"""A dialog (RFC 3261, 12): who talks to whom, by which way, and how often.

Not the library's: it turns the callee's route set round, and knows no strict routers.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiosipua.headers import Via, stringify_via
from aiosipua.message import SipRequest
from aiosipua.utils import generate_branch

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.limits import MAX_ROUTES
from services.caller.edges.sip.names import host_port_of, is_loose, name_addr, read_name_addr, sip_uri, written_host

MAX_FORWARDS = "70"
Admits = Callable[[str], bool]


@dataclass(slots=True)
class Dialog:
    """One side's view. `reached_at`: where the far end was first found; `admits`: which IP addresses may be sent to."""

    call_id: str
    local: str  # as it stands in From of what we send, with our tag
    remote: str
    remote_target: str
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int
    own: Address  # where we are reached, as the far end sees it
    reached_at: Address
    admits: Admits

    @property
    def local_tag(self) -> str:
        """Our tag: with the Call-ID it finds the dialog."""
        return read_name_addr(self.local).tag

    @property
    def remote_tag(self) -> str:
        """The far end's tag."""
        return read_name_addr(self.remote).tag

    @property
    def next_hop(self) -> Address:
        """Where a request goes: where the first route or the target says, if we may and it does; else as before."""
        meant = host_port_of(read_name_addr(self.routes[0]).uri if self.routes else self.remote_target)
        return meant if meant is not None and self.admits(meant[0]) else self.reached_at

    def request(self, method: str, cseq: int | None = None) -> SipRequest:
        """Make a request within the dialog; `cseq` for an ACK, which has its INVITE's."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self.remote_target, self.routes
        if routes and not is_loose(routes[0]):
            uri, routes = read_name_addr(routes[0]).uri, (*routes[1:], f"<{self.remote_target}>")
        made = new_request(method, uri, self.own)
        made.headers.set_single("From", self.local)
        made.headers.set_single("To", self.remote)
        made.headers.set_single("Call-ID", self.call_id)
        made.headers.set_single("CSeq", f"{cseq} {method}")
        for route in routes:
            made.headers.append("Route", route)
        made.headers.set_single("Contact", contact(self.own))
        return made


def new_request(method: str, uri: str, own: Address) -> SipRequest:
    """Make a request with a branch of its own."""
    host, port = own
    via = Via(host=written_host(host), port=port, params={"branch": generate_branch(), "rport": None})
    made = SipRequest(method=method, uri=uri)
    made.headers.set_single("Via", stringify_via(via))
    made.headers.set_single("Max-Forwards", MAX_FORWARDS)
    return made


def contact(own: Address) -> str:
    """Return our Contact."""
    return name_addr(sip_uri("", own))


def target_of(contacts: list[str], otherwise: str) -> str:
    """Return the remote target that a Contact names. Raises ValueError for more than one, or garbage."""
    if not contacts:
        return otherwise
    if len(contacts) > 1:
        raise ValueError("more than one Contact")
    uri = read_name_addr(contacts[0]).uri
    if not uri.lower().startswith(("sip:", "sips:")) or any(character.isspace() for character in uri):
        raise ValueError("no SIP URI")
    return uri


def routes_of(recorded: list[str]) -> tuple[str, ...]:
    """Return the routes of Record-Route. Raises ValueError for garbage, and for too many."""
    if len(recorded) > MAX_ROUTES:
        raise ValueError("too many routes")
    for route in recorded:
        if not read_name_addr(route).uri.lower().startswith(("sip:", "sips:")):
            raise ValueError("no SIP URI")
    return tuple(recorded)
