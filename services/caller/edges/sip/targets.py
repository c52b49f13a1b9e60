"""Finds where a SIP URI leads: looked up once, checked, and dialled at the address that was checked."""

from aiosipua.headers import parse_uri

from services.caller.edges.endpoints.dialling import Guard
from services.caller.edges.endpoints.failures import NotCalled
from services.caller.edges.sip import refusals
from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.names import DEFAULT_PORT, MAX_PORT, is_sip_uri


async def resolve_sip(uri: str, guard: Guard) -> Address:
    """Return where to send the INVITE. Raises CallRefused, the same for an unknown name as for one that leads inside.

    UDP alone, and no SRV records: the port is the URI's, or 5060.
    """
    if not is_sip_uri(uri):
        raise refusals.no_sip_uri()
    read = parse_uri(uri)
    if read.scheme == "sips" or (read.params.get("transport") or "udp").lower() != "udp":
        raise refusals.unsupported_transport()
    port = DEFAULT_PORT if read.port is None else read.port
    host = read.params.get("maddr") or read.host
    if not host or read.headers or not 0 < port <= MAX_PORT:
        raise refusals.no_sip_uri()
    try:
        found = await guard.addresses(host.strip("[]"))
    except NotCalled:
        raise refusals.not_allowed() from None
    return next((one for one in found if ":" not in one), found[0]), port
