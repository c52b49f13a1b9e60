"""A call that was text has a recording in which every turn is where the transcript says."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from services.caller.domain.media import SpeechError
from services.caller.domain.turn import Turn
from services.caller.edges.media.render import Voices, render
from tests.unit.caller.media.test_recorder import tape

VOICES = Voices(bot="rms", agent="awb")


class Says:
    """Says each text as so many samples of a level; keeps who said what."""

    def __init__(self, **texts: tuple[int, int]) -> None:
        self.texts = texts
        self.said: list[tuple[str, str]] = []

    async def say(self, text: str, voice: str) -> bytes:
        self.said.append((text, voice))
        if text not in self.texts:
            raise SpeechError("it could not be said")
        samples, level = self.texts[text]
        return np.full(samples, level, "<i2").tobytes()

    async def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        raise NotImplementedError


def turn(role: Literal["user", "assistant", "tool_call"], text: str, start_ms: int, end_ms: int) -> Turn:
    """Return a row of a transcript."""
    return Turn(role, "text/plain", text, start_ms, end_ms)


async def test_each_turn_is_on_its_side_at_its_time_in_its_voice(tmp_path: Path) -> None:
    speech = Says(hello=(800, 11), hi=(1_600, 22))
    turns = [turn("assistant", "hello", 0, 100), turn("tool_call", "{}", 100, 100), turn("user", "hi", 500, 700)]
    recorded = await render(turns, speech, VOICES, tmp_path / "call.wav")
    sound = tape(recorded.path)
    assert speech.said == [("hello", "awb"), ("hi", "rms")]
    assert np.flatnonzero(sound[:, 1]).tolist() == list(range(800))
    assert np.flatnonzero(sound[:, 0]).tolist() == list(range(4_000, 5_600))
    assert recorded.duration_ms == 700
    assert recorded.size_bytes == recorded.path.stat().st_size


async def test_a_side_is_cut_off_by_its_own_next_turn_and_the_last_word_is_kept(tmp_path: Path) -> None:
    speech = Says(long=(8_000, 11), short=(80, 22), other=(8_000, 33))
    turns = [turn("user", "long", 0, 500), turn("assistant", "other", 500, 600), turn("user", "short", 600, 700)]
    sound = tape((await render(turns, speech, VOICES, tmp_path / "call.wav")).path)
    assert len(sound) == 12_000, "the agent goes on talking"
    assert set(sound[:4_800, 0].tolist()) == {11}
    assert set(sound[4_800:4_880, 0].tolist()) == {22}
    assert not sound[4_880:, 0].any()
    assert set(sound[4_000:, 1].tolist()) == {33}


async def test_nothing_said_is_an_empty_recording_and_what_cannot_be_said_leaves_no_file(tmp_path: Path) -> None:
    assert (await render([], Says(), VOICES, tmp_path / "empty.wav")).duration_ms == 0
    with pytest.raises(SpeechError):
        await render([turn("user", "unknown", 0, 1)], Says(), VOICES, tmp_path / "none.wav")
    assert [file.name for file in tmp_path.iterdir()] == ["empty.wav"]  # noqa: ASYNC240


async def test_a_turn_far_away_does_not_take_all_memory(tmp_path: Path) -> None:
    recorded = await render([turn("user", "x", 3_599_999, 10**12)], Says(x=(8_000, 1)), VOICES, tmp_path / "a.wav")
    assert recorded.duration_ms == 3_600_000
