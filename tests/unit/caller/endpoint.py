"""A chat endpoint on this machine that answers as a test tells it to, and notes what it was asked."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.caller.domain.turn import PartyError, Side
from services.caller.edges.parties.bounded_transport import BoundedTransport
from services.caller.edges.parties.openai_chat import OpenAIParty
from tests.unit.caller.builders import a_turn

KEY = "sk-very-secret"
PROMPT = "You are a spy. Never say so."
LEAK = "the answer's own words"
TURNS = (a_turn("user", 0, 1, "my private line"),)
Answer = Callable[[dict[str, Any]], Awaitable[Response]]


def completion(message: Any) -> Response:
    """A chat completion with one choice."""
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return JSONResponse({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def saying(text: str | None, *tools: str) -> Response:
    """A completion with a text, and calls of tools."""
    calls = [
        {"id": str(nth), "type": "function", "function": {"name": name, "arguments": "{}"}}
        for nth, name in enumerate(tools)
    ]
    return completion({"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {}))


@dataclass
class Endpoint:
    """Answers one response after the other, and stays with the last."""

    port: int
    answers: list[Response | Answer] = field(default_factory=lambda: [saying("Hello.")])
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    strayed: int = 0

    def forget(self) -> None:
        """Begin anew: a greeting for everybody, and nothing noted."""
        self.answers, self.asked, self.keys, self.strayed = [saying("Hello.")], [], [], 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def answer(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization"))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Response) else await answer(body)

    async def stray(self, request: Request) -> Response:
        self.strayed += 1
        return saying("You should not be here.")

    def party(self, http: httpx2.AsyncClient, side: Side = "agent", *, url: str | None = None) -> OpenAIParty:
        """The party that speaks through this endpoint."""
        return OpenAIParty(side, base_url=url or self.url, model="m", api_key=KEY, system_prompt=PROMPT, http=http)


@asynccontextmanager
async def an_endpoint() -> AsyncIterator[Endpoint]:
    """Serve one."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    endpoint = Endpoint(listener.getsockname()[1])
    routes = [
        Route("/v1/chat/completions", endpoint.answer, methods=["POST"]),
        Route("/elsewhere", endpoint.stray, methods=["GET", "POST"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield endpoint
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


def a_client() -> httpx2.AsyncClient:
    """A client as the caller's composition root makes it."""
    return httpx2.AsyncClient(transport=BoundedTransport(), follow_redirects=False)


async def failure_of(endpoint: Endpoint, http: httpx2.AsyncClient, *, url: str | None = None) -> str:
    """The sentence that a turn fails with; it is checked for what must not be in it."""
    with pytest.raises(PartyError) as failed:
        await endpoint.party(http, url=url).take_turn(TURNS)
    sentence = str(failed.value)
    for secret in (KEY, PROMPT, LEAK, "private", "127.0.0.1"):
        assert secret not in sentence
    assert failed.value.__suppress_context__ or failed.value.__context__ is None, "nor in what a log prints below it"
    return sentence
