"""What a final answer that is no 2xx means, and how the customer is told."""

from services.caller.edges.sip.agent import CallRefused, RefusalKind

_BY_STATUS: dict[int, tuple[RefusalKind, str]] = {
    401: ("forbidden", "The SIP trunk did not accept the credentials"),
    403: ("forbidden", "The far end forbade the call"),
    404: ("not_found", "The far end does not know the number that was called"),
    407: ("forbidden", "The SIP trunk did not accept the credentials"),
    408: ("no_answer", "Nobody answered"),
    410: ("not_found", "The number that was called does not exist any more"),
    415: ("unsupported_codec", "The far end does not speak G.711"),
    480: ("no_answer", "The agent is not available"),
    484: ("not_found", "The number that was called is incomplete"),
    486: ("busy", "The agent is busy"),
    487: ("no_answer", "The far end ended the call before it was answered"),
    488: ("unsupported_codec", "The far end does not speak G.711"),
    600: ("busy", "The agent is busy everywhere"),
    603: ("rejected", "The agent declined the call"),
    604: ("not_found", "The number that was called does not exist anywhere"),
    606: ("unsupported_codec", "The far end does not speak G.711"),
}


def refused(status: int) -> CallRefused:
    """Return what a final answer means."""
    if 300 <= status < 400:
        sentence = "The far end asked for another number to be called instead, which test calls never do"
        return CallRefused("redirected", status, sentence)
    if status in _BY_STATUS:
        kind, sentence = _BY_STATUS[status]
        return CallRefused(kind, status, sentence)
    if 500 <= status < 600:
        return CallRefused("unavailable", status, f"The far end could not take the call (SIP {status})")
    return CallRefused("rejected", status, f"The far end refused the call (SIP {status})")


def unreachable() -> CallRefused:
    """Nothing was heard."""
    return CallRefused("unreachable", None, "Nothing answered at the agent's SIP address")


def not_answered() -> CallRefused:
    """It rang for as long as it may."""
    return CallRefused("no_answer", None, "Nobody answered in time")


def no_codec() -> CallRefused:
    """It answered with sound that we can't make."""
    return CallRefused("unsupported_codec", 200, "The far end does not speak G.711")


def media_not_allowed() -> CallRefused:
    """It wants RTP where this deployment sends none."""
    return CallRefused("not_allowed", 200, "The far end asked for sound at an address that may not be called")


def broken() -> CallRefused:
    """What it said can't be read."""
    return CallRefused("broken", None, "The far end's answer was no valid SIP")


def stopped() -> CallRefused:
    """We hang up."""
    return CallRefused("stopped", None, "The call was stopped before it was answered")


def not_allowed() -> CallRefused:
    """It leads nowhere, or inside."""
    return CallRefused("not_allowed", None, "The agent's SIP address cannot be called")


def no_sip_uri() -> CallRefused:
    """It is no address."""
    return CallRefused("not_allowed", None, "The agent's SIP address is not a SIP URI")


def unsupported_transport() -> CallRefused:
    """TCP, TLS, WebSocket."""
    return CallRefused("unsupported_transport", None, "Unsupported transport: SIP agents are called over UDP alone")
