"""A Realtime API on this machine: it agrees to a session, and then says what a test tells it to."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Event = dict[str, Any]


@dataclass
class RealtimeSession:
    """One session. `older`: the API as it was before its general availability."""

    connection: ServerConnection
    older: bool
    heard: list[Event] = field(default_factory=list)

    def of(self, kind: str) -> list[Event]:
        """The events of one kind, in their order."""
        return [event for event in self.heard if event["type"] == kind]

    @property
    def sound(self) -> bytes:
        """What was heard of the caller, in µ-law."""
        return b"".join(b64decode(event["audio"]) for event in self.of("input_audio_buffer.append"))

    async def send(self, kind: str, **content: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, "event_id": "event_1"} | content))

    async def say(self, sound: bytes, words: str = "", *, item_id: str = "item_1", whole: bool = True) -> None:
        """Answer with sound and its words, faster than anybody speaks."""
        output = "" if self.older else "output_"
        part = {"response_id": "resp_1", "item_id": item_id, "output_index": 0, "content_index": 0}
        await self.send("response.created", response={"id": "resp_1", "status": "in_progress"})
        await self.send(f"response.{output}audio_transcript.delta", delta=words, **part)
        for start in range(0, len(sound), 4_000):
            delta = b64encode(sound[start : start + 4_000]).decode()
            await self.send(f"response.{output}audio.delta", delta=delta, **part)
        if whole:
            await self.send(f"response.{output}audio_transcript.done", transcript=words, **part)
            await self.send("response.done", response={"id": "resp_1", "status": "completed"})

    async def call(self, name: str, arguments: str = "{}", *, call_id: str = "call_1") -> None:
        """Use a tool."""
        item = {"id": "item_9", "type": "function_call", "name": name, "arguments": arguments, "call_id": call_id}
        await self.send("response.created", response={"id": "resp_2", "status": "in_progress"})
        await self.send("response.output_item.done", response_id="resp_2", output_index=0, item=item)
        await self.send("response.done", response={"id": "resp_2", "status": "completed", "output": [item]})

    async def refuse(self, code: str | None) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": "No.", "param": "session"}
        await self.send("error", error=error)


@dataclass
class RealtimeServer:
    """`refuses`: the code of the error with which every session is refused."""

    older: bool = False
    refuses: str | None = None
    port: int = 0
    sessions: list[RealtimeSession] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def session(self) -> RealtimeSession:
        return self.sessions[-1]

    async def serve(self, connection: ServerConnection) -> None:
        session = RealtimeSession(connection, self.older)
        self.sessions.append(session)
        with suppress(ConnectionClosed):
            await session.send("session.created", session={"type": "realtime"})
            async for text in connection:
                event = json.loads(text)
                session.heard.append(event)
                if event["type"] == "session.update":
                    await self._agree(session, event["session"])

    async def _agree(self, session: RealtimeSession, asked: dict[str, Any]) -> None:
        known = {"modalities"} if self.older else {"type", "audio"}
        if self.refuses is not None or not known <= asked.keys():
            await session.refuse(self.refuses or "unknown_parameter")
        else:
            await session.send("session.updated", session=asked)


@asynccontextmanager
async def a_realtime_server(*, older: bool = False, refuses: str | None = None) -> AsyncIterator[RealtimeServer]:
    """Serve one on this machine."""
    there = RealtimeServer(older, refuses)
    server = await serve(there.serve, "127.0.0.1", 0, close_timeout=1, ping_interval=None)
    there.port = next(iter(server.sockets)).getsockname()[1]
    try:
        yield there
    finally:
        server.close()
        await server.wait_closed()
