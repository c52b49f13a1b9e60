"""Speech behind an OpenAI-compatible endpoint: `/audio/speech` and `/audio/transcriptions`."""

import asyncio
import json
import re
from collections.abc import Mapping

import httpx2

from services.caller.domain.media import SAMPLE_RATE_HZ, SpeechError
from services.caller.domain.turn import PartyError
from services.caller.edges.endpoints.asking import Answer, Asks, HttpAsks
from services.caller.edges.endpoints.pools import Pools
from services.caller.edges.parties.chat.address import Address, BadAddress, read_address
from services.caller.edges.secrets import own_secret
from services.caller.edges.speech import limits, sound
from services.caller.edges.speech.asking import ask, sentence
from services.caller.edges.speech.reached import SpeechEndpoint
from services.caller.edges.speech.said import Said

SPEECH, TRANSCRIPTIONS = "/audio/speech", "/audio/transcriptions"
USER_AGENT = "rehearsal/0.1"
BYTES_PER_SECOND = 2 * SAMPLE_RATE_HZ
_WORDLIKE = re.compile(r"\w")


def speech_over(pools: Pools, endpoint: SpeechEndpoint) -> "EndpointSpeech":
    """Return speech that asks through these pools. Its answers are longer than those of a chat."""
    return EndpointSpeech(HttpAsks(pools, max_answer_bytes=limits.MAX_ANSWER_BYTES), endpoint)


class EndpointSpeech:
    """The `Speech` of a process. Raises SpeechError, never with contents, for an address that is none."""

    def __init__(self, asks: Asks, endpoint: SpeechEndpoint) -> None:
        self._asks = asks
        self._endpoint = endpoint
        try:
            self._speech = read_address(endpoint.base_url, SPEECH)
            self._transcriptions = read_address(endpoint.base_url, TRANSCRIPTIONS)
        except BadAddress as bad:
            raise sentence(str(bad)) from None
        self._said = Said(self._make)

    async def say(self, text: str, voice: str) -> bytes:
        """Return what a line sounds like; nothing for one without a word. Raises SpeechError."""
        line = " ".join(text.split())
        if not _WORDLIKE.search(line):
            return b""
        if len(line) > limits.MAX_SAID_CHARS:
            raise SpeechError(f"A line of more than {limits.MAX_SAID_CHARS} characters can't be said")
        return await self._said.say(line, voice)

    async def read(self, heard: bytes, expected: tuple[str, ...]) -> str:
        """Return what is said in a sound. `expected`: the likeliest last, as what is too much is cut from the front.

        Raises SpeechError.
        """
        seconds = len(heard) / BYTES_PER_SECOND
        if seconds < limits.MIN_READ_SECONDS:
            return ""
        if seconds > limits.MAX_READ_SECONDS:
            raise SpeechError(f"More than {limits.MAX_READ_SECONDS:g} s of speech at once can't be read")
        fields = {"model": self._endpoint.stt_model, "response_format": "json", "prompt": _prompt(expected)}
        form = httpx2.Request(
            "POST",
            "http://form/",  # never sent: it writes the form
            data={name: value for name, value in fields.items() if value},
            files={"file": ("heard.wav", sound.wav_of(heard[: len(heard) // 2 * 2]), "audio/wav")},
        )
        answer = await self._ask(self._transcriptions, form.headers["Content-Type"], form.read())
        return _text_of(answer)

    async def aclose(self) -> None:
        """Give up what is being made."""
        await self._said.aclose()

    async def _make(self, line: str, voice: str) -> bytes:
        asked = {"model": self._endpoint.tts_model, "input": line, "voice": voice, "response_format": "wav"}
        answer = await self._ask(self._speech, "application/json", json.dumps(asked).encode())
        try:
            made = await asyncio.to_thread(sound.from_answer, answer.body, answer.headers.get("content-type", ""))
        except sound.Unreadable as why:
            raise sentence(str(why)) from None
        if not made:
            raise sentence("gave no sound")
        return made

    async def _ask(self, address: Address, content_type: str, body: bytes) -> Answer:
        return await ask(
            self._asks, address, {**self._headers(address), "Content-Type": content_type}, body,
            limit_seconds=self._endpoint.limit_seconds,
        )  # fmt: skip

    def _headers(self, address: Address) -> Mapping[str, str]:
        headers = {"Host": address.host, "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        try:
            key = own_secret(self._endpoint.api_key_ref)
        except PartyError:
            raise SpeechError("The speech endpoint's API key is not known on this deployment") from None
        if key:
            headers[address.key_header] = ("Bearer " if address.key_header == "Authorization" else "") + key
        return headers


def _prompt(expected: tuple[str, ...]) -> str:
    """Return what may well be said, a line each, as the endpoint takes it."""
    kept: list[str] = []
    chars = 0
    for line in reversed([" ".join(line.split()) for line in expected]):
        chars += len(line) + 1
        if chars > limits.MAX_EXPECTED_CHARS:
            break
        kept.append(line)
    return "\n".join(reversed(kept))


def _text_of(answer: Answer) -> str:
    if len(answer.body) > limits.MAX_TRANSCRIPT_BYTES:
        raise sentence("gave an answer that is too long")
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        told = None
    text = told.get("text") if isinstance(told, dict) else None
    if not isinstance(text, str):
        raise sentence("gave an answer that could not be read")
    return " ".join(text.split())[: limits.MAX_READ_CHARS]
