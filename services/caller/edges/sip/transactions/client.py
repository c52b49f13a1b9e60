"""What we asked: sent again until it is answered (17.1)."""

from collections.abc import Callable
from enum import Enum, auto

from aiosipua.message import SipRequest

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.transactions.line import Line
from services.caller.edges.sip.transactions.timers import NO_LONGEST, Timers
from services.caller.edges.sip.wire import Response

# Called with each response that its user has to see, None once if none came.
Hears = Callable[[Response | None], None]


class _State(Enum):
    CALLING = auto()  # nothing was heard
    PROCEEDING = auto()  # a provisional was
    ACCEPTED = auto()  # a 2xx was; others of it may follow (RFC 6026)
    COMPLETED = auto()  # a final one was; it may come again
    ENDED = auto()


class ClientInvite:
    """An INVITE that we sent (17.1.1, RFC 6026)."""

    def __init__(self, line: Line, request: SipRequest, to: Address, hears: Hears, forget: Callable[[], None]) -> None:
        self.request = request
        self.to = to
        self._line = line
        self._hears = hears
        self._forget = forget
        self._timers = Timers()
        self._state = _State.CALLING
        self._datagram = bytes(request)
        self._ack = b""

    @property
    def ringing(self) -> bool:
        """Whether a provisional came and no final: what a CANCEL needs (9.1)."""
        return self._state is _State.PROCEEDING

    @property
    def pending(self) -> bool:
        """Whether no final response came yet."""
        return self._state in (_State.CALLING, _State.PROCEEDING)

    def start(self) -> None:
        """Send it: timers A and B."""
        self._send()
        self._timers.doubling(self._line.timing.t1_seconds, NO_LONGEST, self._send)
        self._timers.once(self._line.timing.give_up_seconds, self._unanswered)

    def give_up_soon(self) -> None:
        """End it if even its CANCEL brings no final response (9.1)."""
        self._timers.once(self._line.timing.give_up_seconds, self._unanswered)

    def receive(self, response: Response) -> None:
        """Take a response."""
        if response.status < 200:
            if self.pending:
                if self._state is _State.CALLING:
                    self._timers.stop()
                self._state = _State.PROCEEDING
                self._hears(response)
        elif response.status < 300:
            if self.pending:
                self._settle(_State.ACCEPTED)
            if self._state is _State.ACCEPTED:
                self._hears(response)
        elif self.pending:
            self._ack = bytes(ack_of_refusal(self.request, response))
            self._settle(_State.COMPLETED)
            self._line.send(self._ack, self.to)
            self._hears(response)
        elif self._state is _State.COMPLETED:
            self._line.send(self._ack, self.to)

    def end(self) -> None:
        """Forget it."""
        self._state = _State.ENDED
        self._timers.stop()
        self._forget()

    def _send(self) -> None:
        self._line.send(self._datagram, self.to)

    def _settle(self, state: _State) -> None:
        self._state = state
        self._timers.stop()
        self._timers.once(self._line.timing.give_up_seconds, self.end)  # timers D and M

    def _unanswered(self) -> None:
        self.end()
        self._hears(None)


class ClientOther:
    """Any other request that we sent (17.1.2)."""

    def __init__(self, line: Line, request: SipRequest, to: Address, hears: Hears, forget: Callable[[], None]) -> None:
        self._line = line
        self._to = to
        self._hears = hears
        self._forget = forget
        self._timers = Timers()
        self._state = _State.CALLING
        self._datagram = bytes(request)

    def start(self) -> None:
        """Send it: timers E and F."""
        timing = self._line.timing
        self._send()
        self._timers.doubling(timing.t1_seconds, timing.t2_seconds, self._send)
        self._timers.once(timing.give_up_seconds, self._unanswered)

    def receive(self, response: Response) -> None:
        """Take a response."""
        if self._state is _State.COMPLETED:
            return
        if response.status < 200:
            if self._state is _State.CALLING:
                timing = self._line.timing
                self._state = _State.PROCEEDING
                self._timers.stop()
                self._timers.doubling(timing.t2_seconds, timing.t2_seconds, self._send)
                self._timers.once(timing.give_up_seconds, self._unanswered)
            return
        self._state = _State.COMPLETED
        self._timers.stop()
        self._timers.once(self._line.timing.t4_seconds, self.end)  # timer K
        self._hears(response)

    def end(self) -> None:
        """Forget it."""
        self._timers.stop()
        self._forget()

    def _send(self) -> None:
        self._line.send(self._datagram, self._to)

    def _unanswered(self) -> None:
        self.end()
        self._hears(None)


def ack_of_refusal(invite: SipRequest, response: Response) -> SipRequest:
    """Return the ACK to a final response that is no 2xx: the INVITE's own transaction (17.1.1.3)."""
    ack = _same_transaction(invite, "ACK")
    ack.headers.set_single("To", response.message.headers.get_first("to") or "")
    return ack


def cancel_of(invite: SipRequest) -> SipRequest:
    """Return the CANCEL of an INVITE (9.1)."""
    return _same_transaction(invite, "CANCEL")


def _same_transaction(invite: SipRequest, method: str) -> SipRequest:
    request = SipRequest(method=method, uri=invite.uri)
    for name in ("Via", "From", "To", "Call-ID", "Max-Forwards", "Route"):
        for value in invite.headers.get(name):
            request.headers.append(name, value)
    number = (invite.headers.get_first("cseq") or "").split()[0]
    request.headers.set_single("CSeq", f"{number} {method}")
    return request
