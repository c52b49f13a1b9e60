"""How a connection ends, so that its client can still read the answer, and nothing that is left becomes a request."""

import asyncio
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class HangsUp(Protocol):
    """A connection that knows how it wants to be closed."""

    @property
    def lingers(self) -> bool:
        """Whether it is as good as closed."""

    def hang_up(self) -> None:
        """Close it."""


class ClosesPolitely(asyncio.Transport):
    """A transport whose `close` is the connection's, and which is silent from then on."""

    def __init__(self, socket: asyncio.Transport, connection: HangsUp) -> None:
        super().__init__()
        self._socket = socket
        self._connection = connection

    def close(self) -> None:
        self._connection.hang_up()

    def is_closing(self) -> bool:
        return self._connection.lingers or self._socket.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._connection.lingers:
            self._socket.write(data)

    def pause_reading(self) -> None:
        if not self._connection.lingers:
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        self._socket.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket.get_extra_info(name, default)


def closing_if_unread(cycle: RequestResponseCycle, app: ASGIApp) -> ASGIApp:
    """Close the connection behind an answer that did not wait for the request's end.

    The client may never send the rest (`Expect: 100-continue`), and send its next request where the body was expected.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and cycle.more_body:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, sending)

    return served
