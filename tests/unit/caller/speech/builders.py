"""A client of the speech endpoint, and what it must not let out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.caller.domain.media import SpeechError
from services.caller.edges.speech.endpoint import EndpointSpeech, speech_over
from services.caller.edges.speech.reached import SpeechEndpoint
from tests.unit.caller.endpoint import some_pools

LINE = "My private line."
LEAK = "the answer's own words"
KEY = "sk-very-secret"
HALF_A_SECOND = bytes(8_000)


@asynccontextmanager
async def speech_at(
    url: str, *, limit_seconds: float = 20.0, key_ref: str | None = None
) -> AsyncIterator[EndpointSpeech]:
    """A client as the caller's composition root makes it."""
    pools = some_pools()
    speech = speech_over(pools, SpeechEndpoint(url, "some-tts", "some-stt", key_ref, limit_seconds))
    try:
        yield speech
    finally:
        await speech.aclose()
        await pools.aclose()


async def failure_of(speech: EndpointSpeech, *, reads: bool = False, line: str = LINE) -> str:
    """The sentence that it fails with; it is checked for what must not be in it."""
    with pytest.raises(SpeechError) as failed:
        await (speech.read(HALF_A_SECOND, (line,)) if reads else speech.say(line, "rms"))
    sentence = str(failed.value)
    for secret in (line, LEAK, KEY, "127.0.0.1"):
        assert secret not in sentence
    assert failed.value.__suppress_context__ or failed.value.__context__ is None, "nor in what a log prints below it"
    return sentence
