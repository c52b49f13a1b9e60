"""When what the agent sent is played: at once, in order, and not later because of a gap that was ours to fill."""

import random

import pytest

from services.caller.domain.media import FRAME_SAMPLES
from services.caller.edges.streams.playout import (
    CUSHION_TICKS,
    MAX_BUFFERED_BYTES,
    SILENT_FRAME,
    WORD_GAP_TICKS,
    Playout,
)

VOICED = bytes(range(32)) * (FRAME_SAMPLES // 32)


def word(number: int) -> bytes:
    """A frame that can be told from all others."""
    return bytes([number % 90]) * FRAME_SAMPLES


def paced(playout: Playout, arrivals: list[int], frames: list[bytes]) -> list[bytes | None]:
    """Let frames come at these ticks, each just before it; what is played until all is."""
    played: list[bytes | None] = []
    waiting = list(zip(arrivals, frames, strict=True))
    tick = 0
    while waiting or playout:
        while waiting and waiting[0][0] <= tick:
            playout.put(waiting.pop(0)[1])
        played.append(playout.tick().sound)
        tick += 1
    return played


def test_the_first_word_is_played_at_the_tick_after_it_came() -> None:
    playout = Playout()
    assert playout.tick().sound is None
    answer = [word(number) for number in range(10)]
    playout.put(b"".join(answer))
    assert [playout.tick().sound for _ in answer] == answer
    assert playout.tick().sound is None


def test_what_comes_in_time_is_played_without_a_gap() -> None:
    frames = [word(number) for number in range(50)]
    playout = Playout()
    assert paced(playout, list(range(50)), frames) == [None] * CUSHION_TICKS + frames
    assert playout.concealed_ms == 0


def test_frames_that_come_a_cushion_late_make_no_gap() -> None:
    frames = [word(number) for number in range(30)]
    arrivals = [tick + (CUSHION_TICKS if tick % 7 == 3 else 0) for tick in range(30)]
    arrivals = [max(arrivals[: at + 1]) for at in range(30)]
    playout = Playout()
    assert paced(playout, arrivals, frames) == [None] * CUSHION_TICKS + frames
    assert playout.concealed_ms == 0


def test_a_later_one_makes_one_gap_and_room_for_the_next_that_is_as_late() -> None:
    frames = [word(number) for number in range(30)]
    late = CUSHION_TICKS + 2
    arrivals = [tick + (late if tick in (10, 20, 25) else 0) for tick in range(30)]
    arrivals = [max(arrivals[: at + 1]) for at in range(30)]
    playout = Playout()
    played = paced(playout, arrivals, frames)[CUSHION_TICKS:]
    assert [frame for frame in played if frame is not None] == frames
    gaps = [tick for tick, frame in enumerate(played) if frame is None]
    assert gaps == list(range(10, 10 + len(gaps)))
    assert playout.concealed_ms == len(gaps) * 20 == (2 + CUSHION_TICKS) * 20


def test_a_new_word_begins_anew_although_the_last_one_had_gaps() -> None:
    playout = Playout()
    paced(playout, [0, 5, 6, 9], [word(1), word(2), word(3), word(4)])
    for _ in range(WORD_GAP_TICKS):
        assert playout.tick().sound is None
    playout.put(word(5) * 10)
    assert playout.tick().sound == word(5)


def test_what_was_put_in_is_taken_out_at_the_next_pause() -> None:
    """An agent that never stops sending, silence neither: its next word must not be late for ever."""
    frames = [VOICED] * 20 + [SILENT_FRAME] * 30 + [word(7)] * 10
    arrivals = [max(tick, 14) if 10 <= tick < 14 else tick for tick in range(60)]
    playout = Playout()
    played = paced(playout, arrivals, frames)[CUSHION_TICKS:]
    assert playout.concealed_ms > 0
    assert played.index(word(7)) == 50
    assert [frame for frame in played if frame == VOICED] == [VOICED] * 20


@pytest.mark.parametrize(("pieces", "waited_ms"), [(1, 5.0), (10, 5.0 + CUSHION_TICKS * 20)])
def test_what_first_words_wait_here_is_known(pieces: int, waited_ms: float) -> None:
    """They came 5 ms before a tick: at once, or as they were said."""
    now = 0.0
    playout = Playout(lambda: now)
    for _ in range(4):
        for piece in range(20):
            now += 0.015
            if piece < pieces:
                playout.put(word(3) * (10 // pieces))
            now += 0.005
            playout.tick()
        for _ in range(10):
            now += 0.02
            playout.tick()
    assert playout.heard_late().mean_ms == pytest.approx(waited_ms)
    assert playout.heard_late().spread_ms == pytest.approx(0, abs=1e-6)


def test_silence_that_the_agent_meant_is_played() -> None:
    """An answer that came at once has its pauses as they are."""
    frames = [VOICED] * 5 + [SILENT_FRAME] * 20 + [VOICED] * 5
    playout = Playout()
    assert paced(playout, [3] * 30, frames)[3:] == frames


def test_the_rest_of_an_answer_that_is_no_whole_frame_is_played_and_is_no_gap() -> None:
    playout = Playout()
    playout.put(VOICED * 10 + b"\x01" * 40)
    assert [playout.tick().sound for _ in range(10)] == [VOICED] * 10
    rest = next(sound for _ in range(CUSHION_TICKS + 1) if (sound := playout.tick().sound) is not None)
    assert rest == (b"\x01" * 40).ljust(FRAME_SAMPLES, b"\xff")
    assert playout.concealed_ms == 0


def test_messages_without_sound_leave_nothing_behind() -> None:
    now = 0.0
    playout = Playout(lambda: now)
    for _ in range(1_000):
        now += 1.0
        playout.put(b"")
        assert not playout.tick().sound
    assert len(playout._arrivals) == 0


def test_what_is_more_than_is_kept_is_cut() -> None:
    playout = Playout()
    assert playout.put(b"\x01" * MAX_BUFFERED_BYTES)
    assert not playout.put(b"\x02")
    playout.tick()
    assert playout.put(b"\x02" * FRAME_SAMPLES)
    assert not playout.put(b"\x02")


@pytest.mark.parametrize("seed", range(50))
def test_whatever_comes_when_nothing_is_lost_doubled_or_out_of_order(seed: int) -> None:
    """Sound with marks in it, cut anywhere, coming whenever: marks come back once each, behind their sound."""
    chance = random.Random(seed)
    playout = Playout()
    put, played = bytearray(), bytearray()
    asked: list[tuple[int, str]] = []
    came: list[str] = []
    for turn in range(300):
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            sound = bytes(chance.randrange(0x60) for _ in range(chance.choice((1, 80, 160, 160, 333))))
            put += sound
            assert playout.put(sound)
        if chance.random() < 0.1:
            asked.append((len(put), str(turn)))
            assert playout.mark(str(turn))
        ticked = playout.tick()
        if ticked.sound is not None:
            played += ticked.sound.rstrip(b"\xff")
        came += ticked.marks
        assert came == [name for at, name in asked if at <= len(played)]
    while playout:
        played += (playout.tick().sound or b"").rstrip(b"\xff")
    assert played == put


@pytest.mark.parametrize("seed", range(20))
def test_clearing_at_any_moment_gives_every_mark_back_once(seed: int) -> None:
    chance = random.Random(seed)
    playout = Playout()
    asked = 0
    came: list[str] = []
    for _ in range(500):
        match chance.randrange(5):
            case 0:
                playout.put(word(1) * chance.randrange(1, 9))
            case 1:
                assert playout.mark(str(asked))
                asked += 1
            case 2 if chance.random() < 0.2:
                came += playout.clear()
                assert not playout
            case _:
                came += playout.tick().marks
    came += playout.clear()
    assert came == [str(number) for number in range(asked)]
    assert playout.played_bytes == playout.put_bytes
