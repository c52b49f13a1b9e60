"""What transactions need of the agent that they are a part of."""

from typing import Protocol

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.limits import Timing


class Line(Protocol):
    """Sends datagrams, and keeps transactions while they last."""

    @property
    def timing(self) -> Timing:
        """The timer values."""

    def send(self, datagram: bytes, to: Address) -> None:
        """Send, or lose it: the network may as well."""
