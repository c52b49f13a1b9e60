"""Calls with noise that was asked for, read from their recordings: whisper does, pocketsphinx does not."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile

from deploy.local.speech.measure import errors_of
from services.caller.domain.media import Speech, SpeechError
from services.caller.domain.turn import Turn
from services.caller.edges.speech.endpoint import EndpointSpeech
from shared.events.conditions import Conditions, Noise
from tests.integration.calls.exchange import an_exchange
from tests.integration.calls.test_loopback import Scripted
from tests.support.speech_server import a_speech_server
from tests.unit.caller.builders import a_dispatch, hangs_up
from tests.unit.caller.speech.builders import speech_at

pytestmark = [pytest.mark.whisper, pytest.mark.timeout(600)]

SNR_DB = 15.0
MOST_WRONG = 0.30
RUINED = 0.50
SAID = (
    "Hello, my name is Maria. I bought headphones two weeks ago, and they crackle on the left side. "
    "The number of my order is four eight two one three.",
    "I would like to have my money back, please. Could you tell me how long it takes until the money arrives? "
    "Thank you very much for your help. Goodbye.",
)
EXPECTED = tuple(f"{sentence}." for line in SAID for sentence in line.replace("?", ".").rstrip(".").split(". "))
AROUND_MS = 200


class SaidThere:
    """Lines are said by the endpoint; what is heard during the call is of no account here, and costs no time."""

    def __init__(self, speech: Speech) -> None:
        self.say = speech.say

    async def read(self, heard: bytes, expected: tuple[str, ...]) -> str:
        return "All right."


async def wrong_share(speech: EndpointSpeech, file: Path, turns: Sequence[Turn], expected: tuple[str, ...]) -> float:
    """Read the bot's channel turn by turn."""
    channel, rate = soundfile.read(file, dtype="int16")
    wrong = words = 0
    for turn in turns:
        begin, end = (turn.start_ms - AROUND_MS) * rate // 1_000, (turn.end_ms + AROUND_MS) * rate // 1_000
        try:
            text = await speech.read(channel[max(0, begin) : end, 0].tobytes(), expected)
        except SpeechError:
            text = ""  # pocketsphinx follows so many paths in noise that it does not end in time
        errors = errors_of(turn.content, text)
        print(f"{errors[0]} of {errors[1]}: {text}")
        wrong, words = wrong + errors[0], words + errors[1]
    return wrong / words


async def test_a_call_with_noise_is_read_by_whisper_and_not_by_what_reads_otherwise(tmp_path: Path) -> None:
    parties = Scripted(bot_lines=(*SAID[:-1], hangs_up(SAID[-1])), agent_lines=("Hello, how can I help?", "I see."))
    dispatch = a_dispatch(mode="sip", recording=True, conditions=Conditions(seed=7, noise=Noise(snr_db=SNR_DB)))
    wrong: dict[str, float] = {}
    with a_speech_server(tmp_path / "whisper.log", "whisper") as url:
        async with speech_at(url, limit_seconds=60) as speech:
            async with an_exchange(tmp_path, parties, first_port=36_000, speech=SaidThere(speech)) as exchange:
                held, _ = await exchange.run(dispatch)
            bots = [turn for turn in held.turns if turn.role == "user"]
            assert [turn.content for turn in bots] == list(SAID), (held.end_reason, held.error_message, held.turns)
            file = exchange.shelf.kept[False].path
            wrong["whisper"] = await wrong_share(speech, file, bots, EXPECTED)
            wrong["whisper, nothing expected"] = await wrong_share(speech, file, bots, ())
    with a_speech_server(tmp_path / "pocketsphinx.log", "pocketsphinx") as url:
        async with speech_at(url, limit_seconds=20) as speech:
            wrong["pocketsphinx"] = await wrong_share(speech, file, bots, EXPECTED)
    print(f"wrong words at {SNR_DB:g} dB:", ", ".join(f"{who} {share:.0%}" for who, share in wrong.items()))
    assert wrong["whisper"] <= MOST_WRONG
    assert wrong["pocketsphinx"] > RUINED
