"""A chat endpoint on this machine that answers as a test tells it to, and notes what it was asked."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.caller.domain.turn import PartyError, Side
from services.caller.edges.endpoints.asking import Asks, HttpAsks
from services.caller.edges.endpoints.pools import Network, Pools
from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.endpoints.trust import trusted
from services.caller.edges.parties.chat.shapes import KnownShapes
from services.caller.edges.parties.openai_chat import Endpoint as Reached
from services.caller.edges.parties.openai_chat import OpenAIParty
from shared.network.addresses import AddressPolicy, read_networks
from shared.network.resolving import Resolver
from tests.unit.caller.builders import a_turn

KEY = "sk-very-secret"
PROMPT = "You are a spy. Never say so."
LEAK = "the answer's own words"
TURNS = (a_turn("user", 0, 1, "my private line"),)
LOOPBACK = "127.0.0.0/8, ::1"
TRUST = trusted()  # read once: it takes longer than all of these tests
Answer = Callable[[dict[str, Any]], Awaitable[Response]]


def completion(message: Any, finish: str = "stop") -> Response:
    """A chat completion with one choice."""
    choice = {"index": 0, "finish_reason": finish, "message": message}
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
    paths: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    strayed: int = 0

    def forget(self) -> None:
        """Begin anew: a greeting for everybody, and nothing noted."""
        self.answers, self.strayed = [saying("Hello.")], 0
        self.asked, self.keys, self.paths, self.hosts = [], [], [], []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def answer(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization") or request.headers.get("api-key"))
        self.hosts.append(request.headers["host"])
        self.paths.append(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Response) else await answer(body)

    async def stray(self, request: Request) -> Response:
        self.strayed += 1
        return saying("You should not be here.")

    def party(
        self,
        asks: Asks,
        side: Side = "agent",
        *,
        url: str | None = None,
        prompt: str = PROMPT,
        key: str = KEY,
        org_id: int = 1,
        known: KnownShapes | None = None,
        limit_seconds: float = 20.0,
    ) -> OpenAIParty:
        """The party that speaks through this endpoint."""
        return OpenAIParty(
            side,
            Reached(url or self.url, "m", key, org_id),
            prompt,
            asks=asks,
            known=known or KnownShapes(),
            limit_seconds=limit_seconds,
        )


@asynccontextmanager
async def an_endpoint() -> AsyncIterator[Endpoint]:
    """Serve one."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    endpoint = Endpoint(listener.getsockname()[1])
    routes = [
        Route("/elsewhere", endpoint.stray, methods=["GET", "POST"]),
        Route("/{path:path}", endpoint.answer, methods=["POST"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield endpoint
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve something that is hardly HTTP; the base_url of it."""
    # The usual backlog of 100 would reset some of those that connect at the same moment.
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, backlog=1_000)
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def some_pools(
    allowed: str = LOOPBACK,
    *,
    calls_limit: int = 500,
    resolver: Resolver | None = None,
    proxy: str = "",
    trust: ssl.SSLContext = TRUST,
) -> Pools:
    """Pools as the caller's composition root makes them."""
    proxies = Proxies({"all": proxy} if proxy else {})
    policy = AddressPolicy(read_networks(allowed))
    return Pools(Network(policy, proxies, trust, resolver or Resolver()), calls_limit=calls_limit)


@asynccontextmanager
async def asking(pools: Pools) -> AsyncIterator[HttpAsks]:
    """What asks through pools, which are closed at the end."""
    try:
        yield HttpAsks(pools)
    finally:
        await pools.aclose()


async def failure_of(endpoint: Endpoint, asks: Asks, *, url: str | None = None, limit_seconds: float = 20.0) -> str:
    """The sentence that a turn fails with; it is checked for what must not be in it."""
    with pytest.raises(PartyError) as failed:
        await endpoint.party(asks, url=url, limit_seconds=limit_seconds).take_turn(TURNS)
    sentence = str(failed.value)
    for secret in (KEY, PROMPT, LEAK, "private", "127.0.0.1"):
        assert secret not in sentence
    assert failed.value.__suppress_context__ or failed.value.__context__ is None, "nor in what a log prints below it"
    return sentence
