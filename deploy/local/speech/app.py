"""The endpoints, as OpenAI's are: `/v1/audio/speech`, `/v1/audio/transcriptions`, `/v1/models`."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.local.speech import limits, sounds
from deploy.local.speech.flite import STAND_INS, VOICES, Flite, FliteFailed
from deploy.local.speech.forms import read_form
from deploy.local.speech.readers import Readers, TooBusy
from deploy.local.speech.reading import Engine

MODELS = ("tts-1", "whisper-1")  # any other name means the same
_WORDLIKE = re.compile(r"\w")


class Refused(Exception):  # noqa: N818
    """A request that is not worked on; the text says why, without contents."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


class Server:
    """Speaks in threads that wait for flite, reads in processes."""

    def __init__(self, flite: Flite, engine: Engine, *, workers: int = limits.WORKERS) -> None:
        self._flite = flite
        self._engine = engine
        self._workers = workers
        self._speakers = ThreadPoolExecutor(limits.LINES_AT_ONCE, "speaker")
        self._readers: Readers | None = None
        self._speaking = 0
        self._ready = False

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """Start the processes that read; end them."""
        self._readers = Readers(self._engine, self._workers)
        getting_ready = asyncio.create_task(self._get_ready(self._readers))
        try:
            yield
        finally:
            getting_ready.cancel()
            await self._readers.aclose()
            self._speakers.shutdown(wait=False, cancel_futures=True)

    async def _get_ready(self, readers: Readers) -> None:
        await readers.ready()
        self._ready = True

    async def speak(self, request: Request) -> Response:
        """Say a text."""
        asked = _json(await _body(request, limits.MAX_JSON_BYTES))
        text, voice, kind, speed = (asked.get(name, default) for name, default in DEFAULTS.items())
        if not isinstance(text, str) or not text.strip() or len(text) > limits.MAX_INPUT_CHARS:
            raise Refused(f"input is a text of 1 to {limits.MAX_INPUT_CHARS} characters")
        voice = STAND_INS.get(voice, voice) if isinstance(voice, str) else voice
        if voice not in VOICES:
            raise Refused(f"voice is one of {', '.join((*VOICES, *STAND_INS))}")
        if kind not in sounds.FORMATS:
            raise Refused(f"response_format is one of {', '.join(sounds.FORMATS)}")
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0.25 <= speed <= 4:
            raise Refused("speed is between 0.25 and 4")
        if self._speaking >= limits.LINES_AT_ONCE + limits.MAX_WAITING_LINES:
            raise TooBusy
        self._speaking += 1
        try:
            loop = asyncio.get_running_loop()
            body, content_type = await loop.run_in_executor(self._speakers, self._said, text, voice, kind, speed)
        except FliteFailed:
            raise Refused("flite gave no sound for this input", 500) from None
        finally:
            self._speaking -= 1
        return Response(body, media_type=content_type)

    def _said(self, text: str, voice: str, kind: str, speed: float) -> tuple[bytes, str]:
        return sounds.encoded(*self._flite.say(text, voice, speed), kind)

    async def transcribe(self, request: Request) -> Response:
        """Read a sound, with the lines of `prompt` as what may well be said."""
        try:
            form = read_form(request.headers.get("content-type", ""), await _body(request, limits.MAX_FORM_BYTES))
        except ValueError as wrong:
            raise Refused(str(wrong)) from None
        kind = form.get("response_format", b"json").decode("ascii", "replace")
        if kind not in ("json", "text", "verbose_json"):
            raise Refused("response_format is json, text or verbose_json")
        prompt = form.get("prompt", b"").decode("utf-8", "replace")[-limits.MAX_PROMPT_CHARS :]
        try:
            sound = await asyncio.to_thread(sounds.decoded, form.get("file", b""))
        except ValueError as wrong:
            raise Refused(str(wrong)) from None
        if self._readers is None:
            raise TooBusy
        expected = tuple(line for line in prompt.splitlines() if _WORDLIKE.search(line))
        text = await self._readers.read(sound, expected) if sound else ""
        if kind == "text":
            return PlainTextResponse(f"{text}\n")
        more = {"task": "transcribe", "language": "english", "duration": len(sound) / 2 / sounds.READ_HZ}
        return JSONResponse({"text": text, **(more if kind == "verbose_json" else {})})

    async def models(self, _request: Request) -> Response:
        """List the models' names."""
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "rehearsal"} for name in MODELS]
        return JSONResponse({"object": "list", "data": listed})

    async def health(self, _request: Request) -> Response:
        """Say that the process lives."""
        return PlainTextResponse("ok\n")

    async def readiness(self, _request: Request) -> Response:
        """Say whether it speaks and reads."""
        parts = {"speaks": True, "reads": self._ready}
        return JSONResponse({"ready": all(parts.values()), "parts": parts}, 200 if all(parts.values()) else 503)

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/v1/audio/speech", self.speak, methods=["POST"]),
                Route("/v1/audio/transcriptions", self.transcribe, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/healthz", self.health),
                Route("/readyz", self.readiness),
            ],
            exception_handlers={Refused: _refused, TooBusy: _too_busy},
            lifespan=self.running,
        )


DEFAULTS: dict[str, Any] = {"input": None, "voice": "rms", "response_format": "mp3", "speed": 1.0}


async def _body(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise Refused(f"a request has at most {max_bytes} bytes", 413)
    return bytes(body)


def _json(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise Refused("the body is a JSON object")
    return asked


async def _refused(_request: Request, why: Exception) -> Response:
    status = why.status if isinstance(why, Refused) else 500
    kind = "invalid_request_error" if status < 500 else "server_error"
    return JSONResponse({"error": {"message": str(why), "type": kind, "param": None, "code": None}}, status)


async def _too_busy(_request: Request, _why: Exception) -> Response:
    error = {"message": "too many requests wait already", "type": "server_error", "param": None, "code": None}
    return JSONResponse({"error": error}, 503, {"Retry-After": str(limits.RETRY_AFTER_SECONDS)})
