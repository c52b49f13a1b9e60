"""An open WebSocket to an agent: what is sent never waits, what comes goes to one listener."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import broadcast
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from services.caller.domain.media import LegEnd
from services.caller.edges.streams.failures import CLOSED_AT_ONCE, NotOpened, late
from services.caller.edges.streams.faults import Faults
from services.caller.edges.streams.metering import MeteredConnection
from shared.telemetry import logs

# About 15 s of sound that the agent did not take: it will not take it any more.
MAX_UNSENT_BYTES = 256 * 1_024
CLOSE_LIMIT_SECONDS = 2.0

Message = dict[str, Any]
log = logs.logger(__name__)


class Wire:
    """`ended` is None while the agent can be heard. Whoever has a wire closes it."""

    def __init__(self, connection: MeteredConnection) -> None:
        self._connection = connection
        self._hearing: asyncio.Task[None] | None = None
        self._closing = False
        self.faults = Faults()
        self.ended: LegEnd | None = None

    def listen(self, hear: Callable[[Message], None], over: Callable[[], None] = lambda: None) -> None:
        """Give each message to a listener from now on. `over` is called once, when nothing comes any more."""
        self._hearing = asyncio.create_task(self._hear(hear), name="stream of an agent")
        self._hearing.add_done_callback(lambda _: over())

    def send(self, message: bytes) -> None:
        """Send a text, in its order. Never waits: what the agent does not take ends the call."""
        if self.ended is not None or self._closing:
            return
        if self._connection.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.faults.note("not_reading")
            self.abort()
            return
        # The library's one way to send without waiting for the buffer, which is looked at above.
        broadcast((self._connection,), message, text=True)

    async def taken(self, limit_seconds: float) -> None:
        """Wait for the agent to answer a ping: one that takes a connection only to close it has not taken the call.

        Raises NotOpened.
        """
        try:
            async with asyncio.timeout(limit_seconds):
                await (await self._connection.ping())
        except TimeoutError:
            raise late(limit_seconds) from None
        except ConnectionClosed:
            raise NotOpened("hung_up", CLOSED_AT_ONCE) from None

    def abort(self) -> None:
        """End the connection at once."""
        self.ended = self.ended or "broken"
        self._connection.transport.abort()

    async def close(self) -> None:
        """Close in order, within `CLOSE_LIMIT_SECONDS`; what has not closed then is cut off."""
        self._closing = True
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT_SECONDS):
                    await self._connection.close()
        finally:
            self._connection.transport.abort()
            if self._hearing is not None:
                self._hearing.cancel()
                await asyncio.wait([self._hearing])
                self._hearing = None
                if told := self.faults.told():
                    log.warning("an agent's stream was not as it should be", extra={"faults": told})

    async def _hear(self, hear: Callable[[Message], None]) -> None:
        try:
            while True:
                self._read(await self._connection.recv(), hear)
        except ConnectionClosedOK:
            self.ended = self.ended or "far_end"
        except ConnectionClosed:
            self.ended = self.ended or "broken"
        except Exception as error:  # a fault of ours ends this call, and no other
            log.error("a message of an agent's stream could not be worked on", extra={"error": logs.error_name(error)})  # noqa: TRY400 - its text may hold words of the call
            self.abort()
        if self._connection.flooded:
            self.faults.note("flood")

    def _read(self, came: str | bytes, hear: Callable[[Message], None]) -> None:
        if isinstance(came, bytes):
            self.faults.note("binary_message")
            return
        try:
            message = json.loads(came)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            hear(message)
        else:
            self.faults.note("unreadable_message")
