"""Text, sound on a telephone line, text again: the client against the local server, with every voice."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx2
import numpy as np
import pytest

from deploy.local.speech.measure import errors_of, over_the_line
from services.caller.domain.media import SAMPLE_RATE_HZ
from services.caller.edges.speech.endpoint import EndpointSpeech
from services.caller.edges.speech.sound import from_answer
from tests.unit.caller.speech.builders import speech_at

pytestmark = pytest.mark.integration
LONG_WAIT_MS = 300.0  # a busy machine makes shorter ones
VOICES = ("rms", "awb", "slt")
SCENARIO = (
    "Thank you for calling Northwind Goods, this is Ann. How can I help you?",
    "I'm sorry to hear that. Could you give me your order number, please?",
    "Thank you. Your order is 12 days old, within our 30-day window. Shall I refund it in full?",
    "Your refund has been issued. You'll see it within five days. Anything else?",
    "We're open Monday to Friday from 9 am to 6 pm and Saturday from 10 am to 4 pm. On Sundays we're closed.",
    "Of course. I'm transferring you to a colleague now.",
    "It's 48213.",
    "Yes, please go ahead.",
)


@pytest.fixture
async def speech(speech_server: str) -> AsyncIterator[EndpointSpeech]:
    async with speech_at(speech_server, limit_seconds=60) as speech:
        yield speech


@pytest.mark.parametrize("voice", VOICES)
async def test_what_was_expected_is_read_as_it_is_written(speech: EndpointSpeech, voice: str) -> None:
    said = [over_the_line(await speech.say(line, voice)) for line in SCENARIO]
    read = [await speech.read(sound, SCENARIO) for sound in said]
    wrong, words = map(sum, zip(*(errors_of(*both) for both in zip(SCENARIO, read, strict=True)), strict=True))
    assert wrong / words <= 0.08, list(zip(SCENARIO, read, strict=True))
    assert sum(text == line for text, line in zip(read, SCENARIO, strict=True)) >= len(SCENARIO) / 2, read


@pytest.mark.parametrize("kind", ["wav", "pcm", "mp3", "flac", "opus"])
async def test_the_formats_of_openai_are_given(speech_server: str, kind: str) -> None:
    """As its clients ask for them: `pcm` has 24 kHz and no header."""
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        asked = {"model": "tts-1", "input": "Hello there.", "voice": "alloy", "response_format": kind}
        answer = await client.post(f"{speech_server}/audio/speech", json=asked)
        assert answer.status_code == 200, answer.text
        heard = from_answer(answer.content, answer.headers["content-type"])
    assert 0.5 < len(heard) / 2 / SAMPLE_RATE_HZ < 3
    assert np.abs(np.frombuffer(heard, "<i2")).max() > 3_000


async def test_agents_may_ask_to_be_quick(speech_server: str) -> None:
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        lengths = []
        for speed in (0.5, 1, 2):
            asked = {"input": "Hello there, how are you?", "voice": "awb", "response_format": "pcm", "speed": speed}
            lengths.append(len((await client.post(f"{speech_server}/audio/speech", json=asked)).content))
    assert lengths[0] > 1.5 * lengths[1] > 2 * lengths[2]


async def test_what_is_read_at_the_same_time_does_not_hold_up_whoever_asks(
    speech: EndpointSpeech, speech_server: str
) -> None:
    """Eight readings at once: the server goes on to answer others, and the caller's own loop to tick."""
    said = over_the_line(await speech.say(SCENARIO[2], "rms"))
    late_ms: list[float] = []
    waits_ms: list[float] = []
    loop = asyncio.get_running_loop()

    async def tick() -> None:
        while True:
            due = loop.time() + 0.02
            await asyncio.sleep(0.02)
            late_ms.append((loop.time() - due) * 1_000)

    async def ask() -> None:
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            while True:
                began = loop.time()
                assert (await client.get(speech_server.removesuffix("/v1") + "/healthz")).status_code == 200
                waits_ms.append((loop.time() - began) * 1_000)
                await asyncio.sleep(0.02)

    beside = [asyncio.create_task(tick()), asyncio.create_task(ask())]
    texts = await asyncio.gather(*(speech.read(said, SCENARIO) for _ in range(8)))
    for task in beside:
        assert not task.done()
        task.cancel()
    assert _held_up(late_ms) < 0.5
    assert _held_up(waits_ms) < 0.5, "a reading takes a second: none of them is in the server's own loop"
    assert len(set(texts)) == 1
    assert errors_of(SCENARIO[2], texts[0])[0] <= 3


def _held_up(waits_ms: Sequence[float]) -> float:
    """Return the share of all waiting that was in long waits: few of them are enough to fill the time."""
    return sum(wait for wait in waits_ms if wait > LONG_WAIT_MS) / sum(waits_ms)


async def test_without_anything_expected_it_still_reads(speech: EndpointSpeech) -> None:
    sound = over_the_line(await speech.say("Yes, please go ahead.", "rms"))
    assert "please" in await speech.read(sound, ())


async def test_what_nobody_expected_is_read_all_the_same(speech: EndpointSpeech) -> None:
    """Real agents say what no scenario foresees: bent into what was expected, four words of five were wrong."""
    line = "Can you tell me who painted the Mona Lisa?"
    text = await speech.read(over_the_line(await speech.say(line, "rms")), SCENARIO)
    assert errors_of(line, text)[0] <= 3, text


async def test_in_silence_nothing_is_said(speech: EndpointSpeech) -> None:
    assert await speech.read(bytes(32_000), SCENARIO) == ""


async def test_what_it_does_not_take_is_an_error_of_openai_s_shape(speech_server: str) -> None:
    async with httpx2.AsyncClient(base_url=speech_server, timeout=60, trust_env=False) as client:
        file = {"file": ("a.wav", b"not a sound", "audio/wav")}
        answers = {
            "input is a text": await client.post("/audio/speech", json={"voice": "rms"}),
            "input is a text of": await client.post("/audio/speech", json={"voice": "rms", "input": "a" * 5_000}),
            "voice is one of": await client.post("/audio/speech", json={"voice": "hal", "input": "Hi."}),
            "response_format is one of": await client.post(
                "/audio/speech", json={"voice": "rms", "input": "Hi.", "response_format": "aac"}
            ),
            "speed is between": await client.post("/audio/speech", json={"voice": "rms", "input": "Hi.", "speed": "9"}),
            "the body is a JSON object": await client.post("/audio/speech", content=b"[" * 5_000),
            "a form is multipart": await client.post("/audio/transcriptions", json={}),
            "the file is no sound": await client.post("/audio/transcriptions", files=file),
            "response_format is json": await client.post(
                "/audio/transcriptions", files=file, data={"response_format": "srt"}
            ),
        }
        for said, answer in answers.items():
            assert answer.status_code == 400, said
            assert said in answer.json()["error"]["message"]
        assert (await client.post("/audio/speech", content=b"a" * 100_000)).status_code == 413
        names = [one["id"] for one in (await client.get("/models")).json()["data"]]
    assert names == ["tts-1", "whisper-1"]


async def test_the_bot_understands_what_it_is_read(speech: EndpointSpeech) -> None:
    """A number that was said digit by digit, hours and a window of days come back as the rules know them."""
    for line in ("It's 48213.", "Your order number is A-7731.", "We're open from 9 am to 6 pm."):
        assert await speech.read(over_the_line(await speech.say(line, "awb")), (line, *SCENARIO)) == line
