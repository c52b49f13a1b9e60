"""Speech from text: whatever endpoints give, in the call's own samples, or a sentence without contents."""

import asyncio
import json
import threading
import time

import numpy as np
import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.caller.domain.media import SAMPLE_RATE_HZ
from services.caller.edges.speech import sound
from services.caller.edges.speech.limits import MAX_ANSWER_BYTES, MAX_SAID_CHARS
from tests.support.speech_endpoint import SpeechAnswers, a_file, a_tone, speaking
from tests.unit.caller.endpoint import a_server
from tests.unit.caller.speech.builders import LEAK, LINE, failure_of, speech_at

RAW = np.frombuffer(a_tone()[44:], "<i2")  # 24 kHz
ENDLESS = bytearray(a_tone())
ENDLESS[4:8] = ENDLESS[40:44] = b"\xff\xff\xff\xff"  # as who writes while he speaks does
TOO_LONG = a_file("FLAC", "PCM_16", 301, 8_000, hz=0)  # a few kilobytes that unpack into minutes


def heard_hz(heard: bytes) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(heard, "<i2")))
    return float(spectrum.argmax() * SAMPLE_RATE_HZ / (len(heard) // 2))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(speaking(a_tone(rate_hz=24_000)), id="wav at 24 kHz"),
        pytest.param(speaking(a_tone(rate_hz=8_000)), id="wav at 8 kHz"),
        pytest.param(speaking(a_tone(rate_hz=22_050)), id="wav at 22.05 kHz"),
        pytest.param(speaking(a_tone(rate_hz=48_000, channels=2)), id="stereo at 48 kHz"),
        pytest.param(speaking(a_tone(rate_hz=11_025)), id="wav at 11.025 kHz"),
        pytest.param(speaking(bytes(ENDLESS)), id="of a length not known at the beginning"),
        pytest.param(speaking(a_tone(), "application/octet-stream"), id="of no type"),
        pytest.param(speaking(a_tone(), "audio/pcm"), id="wav that calls itself pcm"),
        pytest.param(speaking(RAW.tobytes(), "audio/pcm"), id="pcm"),
        pytest.param(speaking(RAW[::3].tobytes(), "audio/pcm; rate=8000"), id="pcm of a rate that is told"),
        pytest.param(
            speaking(a_file("FLAC", "PCM_16", 0.5, 24_000), "audio/flac"), id="flac although it was asked for wav"
        ),
        pytest.param(
            speaking(a_file("OGG", "OPUS", 0.5, 24_000), "audio/ogg"), id="opus although it was asked for wav"
        ),
        pytest.param(speaking(a_file("WAV", "ULAW", 0.5, 8_000)), id="µ-law"),
        pytest.param(speaking(a_file("WAV", "FLOAT", 0.5, 16_000)), id="floating point"),
    ],
)
async def test_whatever_sound_comes_is_turned_into_the_calls_own(answers: SpeechAnswers, answer: Response) -> None:
    answers.answers = [answer]
    async with speech_at(answers.url) as speech:
        sound = await speech.say(LINE, "rms")
    assert len(sound) / 2 == pytest.approx(SAMPLE_RATE_HZ / 2, abs=SAMPLE_RATE_HZ * 0.02)
    assert heard_hz(sound) == pytest.approx(440, abs=5)
    loudest = np.abs(np.frombuffer(sound, "<i2")[800:-800]).max()
    assert loudest == pytest.approx(16_384, rel=0.05)


async def test_what_the_line_cannot_carry_does_not_come_back_as_something_else(answers: SpeechAnswers) -> None:
    answers.answers = [speaking(a_tone(hz=6_000))]
    async with speech_at(answers.url) as speech:
        sound = np.frombuffer(await speech.say(LINE, "rms"), "<i2")
    assert np.abs(sound[800:-800]).max() < 200


async def test_it_is_asked_as_openai_is(answers: SpeechAnswers) -> None:
    async with speech_at(answers.url) as speech:
        await speech.say("  Hello \n there. ", "rms")
    assert answers.paths == ["/v1/audio/speech"]
    assert json.loads(answers.asked[0]) == {
        "model": "some-tts",
        "input": "Hello there.",
        "voice": "rms",
        "response_format": "wav",
    }


@pytest.mark.parametrize("line", ["", " \n", "…", "?!"])
async def test_a_line_without_a_word_is_silence_and_asks_nobody(answers: SpeechAnswers, line: str) -> None:
    async with speech_at(answers.url) as speech:
        assert await speech.say(line, "rms") == b""
    assert not answers.asked


async def test_a_line_that_is_too_long_is_refused_here(answers: SpeechAnswers) -> None:
    async with speech_at(answers.url) as speech:
        assert "4096 characters" in await failure_of(speech, line="a" * (MAX_SAID_CHARS + 1))
    assert not answers.asked


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (speaking(b""), "sound that could not be read"),
        (speaking(b"", "audio/pcm"), "no sound"),
        (speaking(a_tone()[:44]), "in the middle"),
        (speaking(a_tone()[:30]), "in the middle"),
        (speaking(a_tone()[:-9_000]), "in the middle"),
        (speaking(a_tone(seconds=0)), "no sound"),
        (speaking(LEAK.encode()), "sound that could not be read"),
        (speaking(LEAK.encode() + b"!", "audio/pcm"), "sound that could not be read"),
        (speaking(RAW.tobytes(), "audio/pcm; rate=fast"), "sound that could not be read"),
        (speaking(RAW.tobytes(), "audio/pcm; rate=8000; channels=2"), "sound that could not be read"),
        (speaking(f"<html>{LEAK}</html>".encode(), "text/html"), "sound that could not be read"),
        (JSONResponse({"error": LEAK}), "sound that could not be read"),
        (speaking(a_tone(rate_hz=4_000)), "a sample rate that is not taken"),
        (speaking(a_tone(rate_hz=192_000)), "a sample rate that is not taken"),
        (speaking(RAW.tobytes(), "audio/pcm; rate=0"), "a sample rate that is not taken"),
        (speaking(TOO_LONG, "audio/flac"), "sound that is too long"),
        (speaking(bytes(MAX_ANSWER_BYTES + 1)), "an answer that is too long"),
        (speaking(a_tone(), content_encoding="br"), "an answer that could not be read"),
        (JSONResponse({"error": LEAK}, 400), "answered 400"),
        (JSONResponse({"error": LEAK}, 401), "answered 401: it did not accept the key"),
        (JSONResponse({"error": LEAK}, 404), "answered 404: it does not know this address, or this model"),
        (JSONResponse({"error": LEAK}, 500), "answered 500"),
        (RedirectResponse("/elsewhere"), "answered 307: it points elsewhere"),
    ],
)
async def test_what_is_no_sound_is_a_sentence(answers: SpeechAnswers, answer: Response, said: str) -> None:
    answers.answers = [answer]
    async with speech_at(answers.url) as speech:
        assert said in await failure_of(speech)
    assert len(answers.asked) == 1, "asking again would not help"


async def test_one_that_is_slow_has_its_limit(answers: SpeechAnswers) -> None:
    async def slowly() -> Response:
        await asyncio.sleep(5)
        return speaking(a_tone())

    answers.answers = [slowly]
    async with speech_at(answers.url, limit_seconds=0.2) as speech:
        began = time.monotonic()
        assert await failure_of(speech) == "The speech endpoint did not answer in time: 0.2 s are its limit"
    assert time.monotonic() - began < 4


async def test_nobody_there_is_a_sentence() -> None:
    async with speech_at("http://127.0.0.1:9/v1", limit_seconds=1) as speech:
        assert await failure_of(speech) == "The speech endpoint could not be reached"


async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    tries: list[int] = []

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'wav"}')
        tries.append(1)
        body = a_tone()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + (body if len(tries) == 2 else body[:1_000]))
        await writer.drain()
        writer.close()

    async with a_server(half) as url, speech_at(url) as speech:
        assert heard_hz(await speech.say(LINE, "rms")) == pytest.approx(440, abs=5)
    assert len(tries) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_one_that_is_too_busy_is_asked_again_within_the_limit(answers: SpeechAnswers, status: int) -> None:
    answers.answers = [speaking(b"", status=status), speaking(b"", status=status, retry_after="0"), speaking(a_tone())]
    async with speech_at(answers.url) as speech:
        assert await speech.say(LINE, "rms")
    assert len(answers.asked) == 3


async def test_who_has_to_wait_longer_than_the_limit_does_not_wait(answers: SpeechAnswers) -> None:
    answers.answers = [speaking(b"", status=503, retry_after="30")]
    began = time.monotonic()
    async with speech_at(answers.url, limit_seconds=10) as speech:
        assert "answered 503" in await failure_of(speech)
    assert time.monotonic() - began < 5


async def test_the_key_goes_out_as_a_bearer_and_one_that_is_not_there_is_a_sentence(
    answers: SpeechAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_SPEECH", "sk-very-secret")
    async with speech_at(answers.url, key_ref="env:OUR_SPEECH") as speech:
        await speech.say(LINE, "rms")
    assert answers.headers[0]["authorization"] == "Bearer sk-very-secret"
    async with speech_at(answers.url, key_ref="env:NOT_THERE") as speech:
        assert "API key is not known" in await failure_of(speech)


async def test_making_the_calls_samples_does_not_hold_up_the_clock(
    answers: SpeechAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two minutes of sound are some hundred milliseconds of work: here it takes until the loop has ticked meanwhile."""
    began, ticked = asyncio.Event(), threading.Event()
    loop, from_answer = asyncio.get_running_loop(), sound.from_answer

    def slowly(body: bytes, content_type: str) -> bytes:
        loop.call_soon_threadsafe(began.set)
        return from_answer(body, content_type) if ticked.wait(10) else b""

    monkeypatch.setattr(sound, "from_answer", slowly)
    async with speech_at(answers.url) as speech:
        saying = asyncio.create_task(speech.say(LINE, "rms"))
        await began.wait()
        ticked.set()
        assert await saying
