"""One UDP port: datagrams in and out."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from logging import getLogger
from typing import Any

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.limits import Timing
from services.caller.edges.sip.names import MAX_PORT
from services.caller.edges.sip.transactions.table import Transactions
from services.caller.edges.sip.wire import Request, Response, Unreadable, read
from services.caller.metrics import SIP_SURPRISES

DISCARD_PORT = 9
log = getLogger(__name__)


class Endpoint(asyncio.DatagramProtocol):
    """Hands responses to what they answer and requests to `serve`. No datagram ends it.

    `surprises` counts what it survived without knowing why.
    """

    def __init__(self, timing: Timing, serve: Callable[[Request], None], advertised_host: str | None) -> None:
        self.timing = timing
        self.surprises = 0
        self._serve = serve
        self._advertised_host = advertised_host
        self._transport: asyncio.DatagramTransport | None = None
        self._host, self.port = "", 0
        self.transactions = Transactions(self)

    async def start(self, host: str, port: int) -> None:
        """Bind."""
        loop = asyncio.get_running_loop()
        self._transport, _protocol = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._host, self.port = self._transport.get_extra_info("sockname")[:2]

    @property
    def bound_to(self) -> Address:
        """Return the address and port that it is bound to."""
        return self._host, self.port

    def close(self) -> None:
        """Forget all transactions and give the port back."""
        self.transactions.end_all()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Take a datagram."""
        try:
            heard = read(data, (str(addr[0]), int(addr[1])))
            if isinstance(heard, Response):
                self.transactions.response(heard)
            else:
                self._serve(heard)
        except Unreadable:
            return
        except Exception as error:
            # Its kind alone: what the datagram says, numbers too, would be in its text.
            self.surprises += 1
            SIP_SURPRISES.inc()
            log.error("a SIP datagram could not be handled: %s", type(error).__name__)  # noqa: TRY400

    def send(self, datagram: bytes, to: Address) -> None:
        """Send, or lose it: the network may as well."""
        if self._transport is not None and 0 < to[1] <= MAX_PORT:  # another would end the transport
            with suppress(OSError, ValueError):  # of another family than our port's
                self._transport.sendto(datagram, to)

    def own_towards(self, there: Address) -> Address:
        """Return the address that somebody sees us at."""
        if self._advertised_host:
            return self._advertised_host, self.port
        if not ip_address(self._host).is_unspecified:
            return self._host, self.port
        family = socket.AF_INET6 if ":" in there[0] else socket.AF_INET
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((there[0], DISCARD_PORT))  # sends nothing: it asks for the way
            return str(probe.getsockname()[0]), self.port
        return self._host, self.port
