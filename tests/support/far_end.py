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
NUMBER = "Your number is "


@dataclass
class FarEnd:
    """What the agent saw. `called_at` has one instant for each call, on a monotonic clock.

    Calls are numbered in their order; `heard_at` has all instants at which something was heard of each, or said in it.
    A caller that is lost in the middle does not say goodbye: what was heard or said last was the end of its call.
    `listens_since`: when it became the caller's turn.
    """

    port: int
    talk_seconds: float = TALK_SECONDS
    talks: int = 1
    heard_at: dict[int, list[float]] = field(default_factory=dict)
    listens_since: dict[int, float] = field(default_factory=dict)
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
        """Greet at the first request of a call, talk at the next ones, hang up at the last."""
        body = await request.json()
        said = [str(message["content"]) for message in body["messages"] if message["role"] == "assistant"]
        if not said:
            self.called_at.append(time.monotonic())
            self.heard_at[len(self.called_at)] = [time.monotonic()]
            self.listens_since[len(self.called_at)] = time.monotonic()
            self.up += 1
            self.max_up = max(self.max_up, self.up)
            return _completion(f"Hello, how can I help you? {NUMBER}{len(self.called_at)}")
        number = int(said[0].rpartition(NUMBER)[2])
        heard_at = self.heard_at[number]
        heard_at.append(time.monotonic())
        self.listens_since.pop(number, None)
        await self.gate.wait()
        await asyncio.sleep(self.talk_seconds)
        heard_at.append(time.monotonic())  # it is up while we talk: the caller may hang up upon what we say now
        if len(said) < self.talks:
            self.listens_since[number] = time.monotonic()
            return _completion("One moment please, I am looking it up.")
        self.up -= 1
        return _completion("Goodbye. [END_CALL]")

    def most_at_once(self) -> int:
        """Return the largest number of calls that were up at one instant."""
        spans = [(min(instants), max(instants)) for instants in self.heard_at.values()]
        return max(sum(first <= instant <= last for first, last in spans) for instant, _ in spans)


def _completion(text: str) -> JSONResponse:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return JSONResponse({"id": "1", "object": "chat.completion", "created": 1, "model": "far-end", "choices": [choice]})


@asynccontextmanager
async def a_far_end(talk_seconds: float = TALK_SECONDS, talks: int = 1) -> AsyncIterator[FarEnd]:
    """Serve a far end, which talks so many times for so long before it hangs up."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    far_end = FarEnd(listener.getsockname()[1], talk_seconds, talks)
    app = Starlette(routes=[Route("/v1/chat/completions", far_end.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield far_end
    finally:
        server.should_exit = True
        await task
        listener.close()
