"""Text from speech: the form that OpenAI takes, and a text or a sentence from whatever comes back."""

import io
import wave
from email import message_from_bytes
from email.policy import HTTP

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from services.caller.domain.media import SpeechError
from services.caller.edges.speech.limits import MAX_EXPECTED_CHARS, MAX_READ_CHARS, MAX_READ_SECONDS
from tests.support.speech_endpoint import SpeechAnswers, reading, speaking
from tests.unit.caller.speech.builders import HALF_A_SECOND, LEAK, LINE, failure_of, speech_at


def form_of(answers: SpeechAnswers) -> dict[str, bytes]:
    """The fields of the last form that was sent."""
    head = f"Content-Type: {answers.headers[-1]['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + answers.asked[-1], policy=HTTP).iter_parts()
    return {part["content-disposition"].params["name"]: bytes(part.get_payload(decode=True)) for part in parts}


async def test_it_is_asked_as_openai_is(answers: SpeechAnswers) -> None:
    answers.answers = [reading(" I'd like \n a refund. ")]
    sound = bytes(range(256)) * 40
    async with speech_at(answers.url) as speech:
        assert await speech.read(sound, ("Hello.", "A refund,\nplease.")) == "I'd like a refund."
    assert answers.paths == ["/v1/audio/transcriptions"]
    form = form_of(answers)
    assert form["model"] == b"some-stt"
    assert form["response_format"] == b"json"
    assert form["prompt"] == b"Hello.\nA refund, please."
    with wave.open(io.BytesIO(form["file"])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8_000, 1, 2)
        assert file.readframes(10**6) == sound


async def test_what_is_expected_is_bounded_and_the_likeliest_stays(answers: SpeechAnswers) -> None:
    answers.answers = [reading("Yes.")]
    async with speech_at(answers.url) as speech:
        await speech.read(HALF_A_SECOND, (*(f"Line {nth} of many." for nth in range(2_000)), "The likeliest."))
        prompt = form_of(answers)["prompt"].decode()
        assert len(prompt) <= MAX_EXPECTED_CHARS
        assert prompt.endswith("Line 1999 of many.\nThe likeliest.")
        assert prompt.startswith("Line ")
        await speech.read(HALF_A_SECOND, ())
    assert "prompt" not in form_of(answers)


@pytest.mark.parametrize("sound", [b"", bytes(1_000)])
async def test_in_less_than_a_tenth_of_a_second_nothing_is_said_and_nobody_asked(
    answers: SpeechAnswers, sound: bytes
) -> None:
    async with speech_at(answers.url) as speech:
        assert await speech.read(sound, ()) == ""
    assert not answers.asked


async def test_more_than_is_read_at_once_is_refused_here(answers: SpeechAnswers) -> None:
    async with speech_at(answers.url) as speech:
        with pytest.raises(SpeechError, match="More than 120 s"):
            await speech.read(bytes(round(MAX_READ_SECONDS * 16_000) + 2), ())
    assert not answers.asked


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (reading(""), ""),
        (reading(" \n"), ""),
        (reading("Grüße, 48213!"), "Grüße, 48213!"),
        (
            JSONResponse({"task": "transcribe", "language": "english", "duration": 1.2, "text": "Hi.", "segments": []}),
            "Hi.",
        ),
        (speaking(b'{"text": "Hi."}', "text/plain"), "Hi."),
        (reading("a" * 10_000), "a" * MAX_READ_CHARS),
    ],
)
async def test_a_text_is_read_from_what_endpoints_answer(answers: SpeechAnswers, answer: Response, text: str) -> None:
    answers.answers = [answer]
    async with speech_at(answers.url) as speech:
        assert await speech.read(HALF_A_SECOND, ()) == text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PlainTextResponse(""), "an answer that could not be read"),
        (PlainTextResponse(LEAK), "an answer that could not be read"),
        (JSONResponse([LEAK]), "an answer that could not be read"),
        (JSONResponse(LEAK), "an answer that could not be read"),
        (JSONResponse({"transcript": LEAK}), "an answer that could not be read"),
        (reading(None), "an answer that could not be read"),
        (reading([LEAK]), "an answer that could not be read"),
        (speaking(b'{"text": "' + LEAK.encode(), "application/json"), "an answer that could not be read"),
        (speaking(b'{"text": "\xff\xfe"}', "application/json"), "an answer that could not be read"),
        (speaking(b"[" * 60_000, "application/json"), "an answer that could not be read"),
        (reading("a" * 100_000), "an answer that is too long"),
        (JSONResponse({"error": LEAK}, 413), "answered 413"),
    ],
)
async def test_what_is_no_text_is_a_sentence(answers: SpeechAnswers, answer: Response, said: str) -> None:
    answers.answers = [answer]
    async with speech_at(answers.url) as speech:
        assert said in await failure_of(speech, reads=True, line=LINE)


@pytest.mark.parametrize("url", ["http://", "http://user:password@host/v1", "http://host:0/v1"])
async def test_an_address_that_is_none_is_a_sentence(url: str) -> None:
    with pytest.raises(SpeechError, match="The speech endpoint has"):
        async with speech_at(url):
            pass


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/v1/models"])
async def test_the_usual_ways_to_write_the_address_lead_to_the_same_place(answers: SpeechAnswers, end: str) -> None:
    answers.answers = [reading("Hi.")]
    async with speech_at(f"http://127.0.0.1:{answers.port}{end}") as speech:
        await speech.read(HALF_A_SECOND, ())
    assert answers.paths == ["/v1/audio/transcriptions"]
