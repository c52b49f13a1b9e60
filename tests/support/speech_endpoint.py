"""A speech endpoint on this machine that answers as a test tells it to, and notes what it was asked."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import soundfile
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Answer = Response | Callable[[], Awaitable[Response]]


def a_tone(seconds: float = 0.5, rate_hz: int = 24_000, hz: float = 440.0, channels: int = 1) -> bytes:
    """A WAV of one tone at half of full scale."""
    return a_file("WAV", "PCM_16", seconds, rate_hz, hz, channels)


def a_file(kind: str, subtype: str, seconds: float, rate_hz: int, hz: float = 440.0, channels: int = 1) -> bytes:
    """A sound file of one tone at half of full scale."""
    tone = np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz) / 2
    file = io.BytesIO()
    soundfile.write(file, np.tile(tone[:, None], channels), rate_hz, format=kind, subtype=subtype)
    return file.getvalue()


def speaking(body: bytes, content_type: str = "audio/wav", status: int = 200, **headers: str) -> Response:
    """An answer with sound."""
    return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()}, content_type)


@dataclass
class SpeechAnswers:
    """Answers one response after the other, and stays with the last."""

    port: int
    answers: list[Answer] = field(default_factory=lambda: [speaking(a_tone())])
    paths: list[str] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew: nothing noted."""
        self.answers, self.paths, self.asked, self.headers = [speaking(a_tone())], [], [], []

    @property
    def url(self) -> str:
        """Its base_url."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def answer(self, request: Request) -> Response:
        """Note what was asked, and answer."""
        self.asked.append(await request.body())
        self.paths.append(request.url.path)
        self.headers.append(dict(request.headers))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Response) else await answer()


def reading(text: object) -> Response:
    """An answer with a text."""
    return JSONResponse({"text": text})


@asynccontextmanager
async def a_speech_endpoint() -> AsyncIterator[SpeechAnswers]:
    """Serve one."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    endpoint = SpeechAnswers(listener.getsockname()[1])
    app = Starlette(routes=[Route("/{path:path}", endpoint.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield endpoint
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()
