"""Makes responses (RFC 3261, 8.2.6)."""

from collections.abc import Mapping

from aiosipua.message import SipResponse

from services.caller.edges.sip.wire import Request

SERVED = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"
# What exists elsewhere and not here: nobody is called, told or looked up on a stranger's word.
NOT_SERVED = frozenset({"REGISTER", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH", "PRACK", "INFO"})
REASONS = {
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    603: "Decline",
}
_COPIED = ("Via", "From", "Call-ID", "CSeq")


def respond_to(
    request: Request, status: int, tag: str, *, reason: str = "", headers: Mapping[str, str] | None = None
) -> SipResponse:
    """Make a response. `tag` goes into To where it has none."""
    message = request.message
    response = SipResponse(status_code=status, reason_phrase=reason or REASONS.get(status, "Refused"))
    for name in _COPIED:
        for value in message.headers.get(name):
            response.headers.append(name, value)
    _say_where_from(request, response)
    to = message.headers.get_first("to") or ""
    response.headers.set_single("To", to if request.to_tag or status == 100 else f"{to};tag={tag}")
    for name, value in (headers or {}).items():
        response.headers.set_single(name, value)
    if request.method == "INVITE" and 100 < status < 300:  # 12.1.1
        for route in message.headers.get("record-route"):
            response.headers.append("Record-Route", route)
    if status in (200, 405):
        response.headers.set_single("Allow", SERVED)
    return response


def _say_where_from(request: Request, response: SipResponse) -> None:
    """Write into the top Via where the request came from (18.2.1, RFC 3581)."""
    vias = response.headers.get("via")
    host, port = request.source
    top = vias[0]
    if "rport" in request.via.params and request.via.params["rport"] is None:
        before, found, after = _split_rport(top)
        top = f"{before}{found}={port}{after};received={host}"
    elif request.via.host.strip("[]") != host:
        top = f"{top};received={host}"
    vias[0] = top


def _split_rport(via: str) -> tuple[str, str, str]:
    """Split a Via at its empty rport, which the sender wants back as it was but for the port."""
    start = 0
    lowered = via.lower()
    while (at := lowered.find("rport", start)) >= 0:
        end = at + len("rport")
        if via[:at].rstrip().endswith(";") and via[end:].lstrip()[:1] in ("", ";"):
            return via[:at], via[at:end], via[end:]
        start = end
    return via, ";rport", ""
