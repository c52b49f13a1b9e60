"""What we were asked: answered again whenever it is asked again (17.2)."""

from collections.abc import Callable
from enum import Enum, auto

from aiosipua.message import SipResponse

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.transactions.line import Line
from services.caller.edges.sip.transactions.timers import Timers


class _State(Enum):
    PROCEEDING = auto()  # no final response yet
    ACCEPTED = auto()  # a 2xx is sent until its ACK comes (13.3.1.4), the INVITE absorbed (RFC 6026)
    COMPLETED = auto()  # another final one is sent until its ACK comes
    CONFIRMED = auto()  # it came


class ServerInvite:
    """An INVITE that we received (17.2.1, RFC 6026). `unacknowledged`: no ACK came to its final response."""

    def __init__(self, line: Line, to: Address, forget: Callable[[], None]) -> None:
        self.unacknowledged: Callable[[], None] = lambda: None
        self._line = line
        self._to = to
        self._forget = forget
        self._timers = Timers()
        self._resending = Timers()
        self._state = _State.PROCEEDING
        self._last = b""

    @property
    def pending(self) -> bool:
        """Whether it has no final response yet."""
        return self._state is _State.PROCEEDING

    @property
    def refused(self) -> bool:
        """Whether its final response was no 2xx: an ACK to that is its own."""
        return self._state in (_State.COMPLETED, _State.CONFIRMED)

    def respond(self, response: SipResponse) -> None:
        """Send a response: timers G, H and L. One after the final is none."""
        if self._state is not _State.PROCEEDING:
            return
        self._last = bytes(response)
        self._send()
        if response.status_code >= 200:
            timing = self._line.timing
            self._state = _State.ACCEPTED if response.status_code < 300 else _State.COMPLETED
            self._resending.doubling(timing.t1_seconds, timing.t2_seconds, self._send)
            self._timers.once(timing.give_up_seconds, self._over)

    def receive_again(self) -> None:
        """The INVITE came again: so does what was said to it."""
        if self._last and self._state in (_State.PROCEEDING, _State.COMPLETED):
            self._send()

    def acknowledged(self) -> None:
        """Its ACK is here: timer I. A 2xx's transaction goes on absorbing."""
        self.unacknowledged = lambda: None
        self._resending.stop()
        if self._state is _State.COMPLETED:
            self._state = _State.CONFIRMED
            self._timers.stop()
            self._timers.once(self._line.timing.t4_seconds, self.end)

    def end(self) -> None:
        """Forget it."""
        self._resending.stop()
        self._timers.stop()
        self._forget()

    def _send(self) -> None:
        self._line.send(self._last, self._to)

    def _over(self) -> None:
        self.end()
        self.unacknowledged()


class ServerOther:
    """Any other request that we received (17.2.2), answered at once."""

    def __init__(self, line: Line, to: Address, forget: Callable[[], None]) -> None:
        self._line = line
        self._to = to
        self._forget = forget
        self._timers = Timers()
        self._last = b""

    def respond(self, response: SipResponse) -> None:
        """Send the final response: timer J."""
        self._last = bytes(response)
        self.receive_again()
        self._timers.once(self._line.timing.give_up_seconds, self.end)

    def receive_again(self) -> None:
        """It came again: so does its response."""
        if self._last:
            self._line.send(self._last, self._to)

    def end(self) -> None:
        """Forget it."""
        self._timers.stop()
        self._forget()
