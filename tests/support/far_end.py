"""The far end of calls: an agent behind an OpenAI-compatible endpoint that notes when it is called, and how often."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.events.connection import OpenAIConnection

TALK_SECONDS = 0.25


@dataclass
class FarEnd:
    """What the agent saw. `called_at` has one instant for each call, on a monotonic clock."""

    port: int
    talk_seconds: float = TALK_SECONDS
    called_at: list[float] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    up: int = 0
    max_up: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def connection(self) -> OpenAIConnection:
        """How an agent here is reached."""
        return OpenAIConnection(kind="openai", base_url=f"http://127.0.0.1:{self.port}/v1", model="far-end")

    async def answer(self, request: Request) -> Response:
        """Greet at the first request of a call, hang up at the second."""
        body = await request.json()
        greeted = any(message["role"] == "assistant" for message in body["messages"])
        if not greeted:
            self.called_at.append(time.monotonic())
            self.up += 1
            self.max_up = max(self.max_up, self.up)
            return _completion("Hello, how can I help you?")
        await self.gate.wait()
        await asyncio.sleep(self.talk_seconds)
        self.up -= 1
        return _completion("Goodbye. [END_CALL]")


def _completion(text: str) -> JSONResponse:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return JSONResponse({"id": "1", "object": "chat.completion", "created": 1, "model": "far-end", "choices": [choice]})


@asynccontextmanager
async def a_far_end(talk_seconds: float = TALK_SECONDS) -> AsyncIterator[FarEnd]:
    """Serve a far end."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    far_end = FarEnd(listener.getsockname()[1], talk_seconds)
    app = Starlette(routes=[Route("/v1/chat/completions", far_end.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield far_end
    finally:
        server.should_exit = True
        await task
        listener.close()
