"""Session timers (RFC 4028): the call of a far end that died ends by itself, and so does ours at the far end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aiosipua.message import SipMessage

from services.caller.edges.sip.limits import Timing
from services.caller.edges.sip.transactions.timers import Timers

MAX_EXPIRES_SECONDS = 86_400
LONGEST_MARGIN_SECONDS = 32
Role = Literal["uac", "uas"]


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """How long a session lasts without a refresh, and who refreshes (None: not settled)."""

    seconds: int
    refresher: Role | None

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


def read_seconds(message: SipMessage, name: str) -> int | None:
    """Read a number of seconds; None if there is none, or no sensible one."""
    text = (message.headers.get_first(name) or "").partition(";")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= 9 else None


def read_session_expires(message: SipMessage) -> SessionExpires | None:
    """Read Session-Expires, `x` in short."""
    name = "session-expires" if "session-expires" in message.headers else "x"
    seconds = read_seconds(message, name)
    if seconds is None or seconds == 0:
        return None
    refresher: Role | None = None
    for parameter in (message.headers.get_first(name) or "").split(";")[1:]:
        key, _, value = parameter.partition("=")
        said = value.strip().lower()
        if key.strip().lower() == "refresher" and said in ("uac", "uas"):
            refresher = "uac" if said == "uac" else "uas"
    return SessionExpires(min(seconds, MAX_EXPIRES_SECONDS), refresher)


def speaks_timer(message: SipMessage) -> bool:
    """Say whether the other side knows session timers."""
    return any(one.strip().lower() == "timer" for one in message.headers.get("supported"))


def answered_expires(request: SipMessage, timing: Timing) -> SessionExpires:
    """Return what our 200 says: as was asked, or our own; who knows timers refreshes, else we do.

    "uac" is whoever sent this very request (RFC 4028, 7.4), whoever placed the call.
    """
    asked = read_session_expires(request)
    seconds = asked.seconds if asked else timing.session_expires_seconds
    if not speaks_timer(request):
        return SessionExpires(seconds, "uas")
    return SessionExpires(seconds, (asked and asked.refresher) or "uac")


class SessionTimer:
    """Refreshes at half time, or waits for refreshes; without any the session is over a little before its time."""

    def __init__(self, refresh: Callable[[], None], expire: Callable[[], None]) -> None:
        self._refresh = refresh
        self._expire = expire
        self._timers = Timers()

    def run(self, seconds: int, *, ours: bool) -> None:
        """Begin anew: it was refreshed."""
        self._timers.stop()
        if ours:
            self._timers.once(seconds / 2, self._refresh)
        self._timers.once(seconds - min(LONGEST_MARGIN_SECONDS, seconds / 3), self._expire)

    def stop(self) -> None:
        """The call is over."""
        self._timers.stop()
