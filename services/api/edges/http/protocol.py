"""One connection of the API: uvicorn's httptools protocol, with limits to what comes before the key is known.

The parser has none of its own: a header may be as long as memory is large, and a head may take for ever.
"""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.api import metrics
from services.api.edges.http import problems
from services.api.edges.http.closing import ClosesPolitely, closing_if_unread
from services.api.edges.http.connections import Connections


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Ends the parser's work on a request that goes too far."""


class LimitedProtocol(HttpToolsProtocol):
    """Serves one connection within the limits."""

    def __init__(self, *, connections: Connections, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._all = connections
        self._limits = connections.limits
        self._socket: asyncio.Transport | None = None
        self._waits_since = 0.0
        self._head_began_at: float | None = None
        self._messages = 0
        self._message_bytes = 0  # in reads after the one that began it
        self._field_bytes = 0
        self._refusal: tuple[str, Response] | None = None
        self._unsent: tuple[int, float] = (0, 0.0)  # bytes, and since when there are so many
        self._lingers: asyncio.TimerHandle | None = None
        self._is_deaf = False  # what still comes is read, so that it can be answered, but not looked at
        self._discarded_bytes = 0

    # What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._socket = transport
        super().connection_made(ClosesPolitely(transport, self))
        self._all.make_room(len(self.connections))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.works(self)
        if self._lingers is not None:
            self._lingers.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > self._limits.linger_bytes:
                self.give_up("")
            return
        message = self._messages
        super().data_received(data)
        if self._messages == message:
            self._message_bytes += len(data)
        in_head = self._head_began_at is not None
        if self._message_bytes > (self._limits.head_bytes if in_head else self._limits.message_bytes):
            self._end("too_large", problems.head_too_large() if in_head else problems.too_large())

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a client that has said that it will send no more, if what it sent is whole."""
        cycle = self.cycle
        if self._lingers is not None or cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete:
            self._all.works(self)

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._messages += 1
        self._message_bytes = self._field_bytes = 0
        self._head_began_at = self.loop.time()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        # The server as a whole (RFC 9112, 3.2.4), which uvicorn cannot parse, is a path of which nothing is known.
        super().on_url(b"/*" if url == b"*" else url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        if len(self.headers) >= self._limits.headers:
            self._refuse("too_large", problems.head_too_large())
        if self._head_began_at is not None:  # what comes behind a body is no header: nobody has looked at it
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= self._limits.pipelined_requests:
            self._refuse("pipelined", problems.bad_request())
        self._head_began_at = None
        super().on_headers_complete()
        self._all.works(self)

    def _count(self, size_bytes: int) -> None:
        self._field_bytes += size_bytes
        if self._field_bytes > self._limits.head_bytes:
            self._refuse("too_large", problems.head_too_large())

    def _refuse(self, reason: str, answer: Response) -> None:
        self._refusal = (reason, answer)
        raise _Refused

    # What uvicorn calls

    def send_400_response(self, msg: str) -> None:
        self._end(*(self._refusal or ("malformed", problems.bad_request())))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._wait()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer in HTTP/1.1, then close: what came behind the request is lost."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        if len(self.tasks) >= self._limits.connections:
            app = problems.unavailable()
        super()._start_asgi_task(cycle, closing_if_unread(cycle, app))  # type: ignore[arg-type]

    # What waits, and how it ends

    def hopeless(self, now: float) -> str | None:
        unsent = self._socket.get_write_buffer_size() if self._socket is not None else 0
        if unsent != self._unsent[0]:
            self._unsent = (unsent, now)
        if unsent:
            return "stalled" if now - self._unsent[1] > self._limits.stalled_seconds else None
        if self._lingers is not None:
            return None
        if self._head_began_at is not None:
            return "slow_head" if now - self._head_began_at > self._limits.head_seconds else None
        return "idle" if now - self._waits_since > self._limits.idle_seconds else None

    def give_up(self, reason: str) -> None:
        if self._socket is None:
            return
        if reason == "slow_head":
            self._answer(problems.too_slow())
        else:
            self._socket.abort()

    def hang_up(self) -> None:
        """Close; if the client is still sending, only after it has had time to read what was answered.

        A socket that is closed with unread bytes is reset, and the answer may be lost with it.
        """
        socket = self._socket
        if socket is None or self._lingers is not None:
            return
        sending = self._head_began_at is not None or (self.cycle is not None and self.cycle.more_body)
        if not sending or socket.is_closing() or not socket.can_write_eof():
            socket.close()
            return
        self._is_deaf = True
        self._lingers = self.loop.call_later(self._limits.linger_seconds, socket.abort)
        socket.write_eof()
        self.flow.resume_reading()
        self._wait()

    @property
    def lingers(self) -> bool:
        """Whether it is as good as closed."""
        return self._lingers is not None

    def _wait(self) -> None:
        self._waits_since = self.loop.time()
        if self._head_began_at is not None:
            self._head_began_at = self._waits_since
        self._all.waits(self)

    def _end(self, reason: str, answer: Response) -> None:
        if not self.transport.is_closing():
            metrics.HTTP_CONNECTIONS_CLOSED.labels(reason).inc()
            self._answer(answer)

    def _answer(self, answer: Response) -> None:
        """Answer for the app and hang up."""
        self._is_deaf = True
        self._head_began_at = self.loop.time()  # whatever it was: it is not read to its end
        cycle = self.cycle
        is_over = cycle is None or cycle.response_complete
        if not is_over and not cycle.more_body:
            cycle.keep_alive = False  # what came before is whole: it gets its answer, and the last one
            return
        if is_over or not (cycle.response_started or self.pipeline):
            headers = [*self.server_state.default_headers, *answer.raw_headers, (b"connection", b"close")]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self.transport.write(STATUS_LINE[answer.status_code] + lines + b"\r\n" + bytes(answer.body))
        if not is_over:
            cycle.disconnected = True
            cycle.message_event.set()
        self.hang_up()
