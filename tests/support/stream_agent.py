"""An agent behind a WebSocket, as customers build them: a server that a carrier's media stream is dialled to."""

import asyncio
import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Message = dict[str, Any]


@dataclass
class Session:
    """One call as the agent sees it."""

    connection: ServerConnection
    heard: list[Message] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def stream_sid(self) -> str:
        return str(self.of("start")[0]["streamSid"])

    @property
    def sound(self) -> bytes:
        """What was heard of the caller, in µ-law."""
        return b"".join(b64decode(message["media"]["payload"]) for message in self.of("media"))

    def of(self, event: str) -> list[Message]:
        """The messages of one kind, in their order."""
        return [message for message in self.heard if message["event"] == event]

    async def send(self, event: str, **content: Any) -> None:
        await self.connection.send(json.dumps({"event": event, "streamSid": self.stream_sid} | content))

    async def say(self, sound: bytes) -> None:
        """Send sound, all at once."""
        await self.send("media", media={"payload": b64encode(sound).decode()})

    async def mark(self, name: str) -> None:
        await self.send("mark", mark={"name": name})


Answer = Callable[[Session, Message], Awaitable[None]]


async def listen(session: Session, message: Message) -> None:
    """Say nothing."""


@dataclass
class StreamAgent:
    """Serves calls; `answer` is asked upon each message."""

    answer: Answer = listen
    port: int = 0
    secure: bool = False
    sessions: list[Session] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://127.0.0.1:{self.port}/media?agent=1"

    @property
    def session(self) -> Session:
        """The last call."""
        return self.sessions[-1]

    async def serve(self, connection: ServerConnection) -> None:
        session = Session(connection)
        self.sessions.append(session)
        with suppress(ConnectionClosed):
            async for text in connection:
                message = json.loads(text)
                session.heard.append(message)
                await self.answer(session, message)
        session.closed.set()


Refuse = Callable[[ServerConnection, Request], Response | None]


@asynccontextmanager
async def a_stream_agent(
    answer: Answer = listen, *, tls: ssl.SSLContext | None = None, refuse: Refuse | None = None
) -> AsyncIterator[StreamAgent]:
    """Serve an agent on this machine."""
    agent = StreamAgent(answer, secure=tls is not None)
    server = await serve(
        agent.serve, "127.0.0.1", 0, ssl=tls, process_request=refuse, close_timeout=1, ping_interval=None
    )
    agent.port = next(iter(server.sockets)).getsockname()[1]
    try:
        yield agent
    finally:
        server.close()
        await server.wait_closed()
