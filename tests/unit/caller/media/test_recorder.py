"""A recording is as long as the call, sample for sample, whatever the disk does."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import soundfile

from services.caller.domain.media import FRAME_SAMPLES, SAMPLE_RATE_HZ
from services.caller.edges.media import recorder as recorders
from services.caller.edges.media import wav
from services.caller.edges.media.peaks import MAX_PEAKS, Peaks
from services.caller.edges.media.recorder import CHUNK_FRAMES, MAX_WAITING_CHUNKS, Recorder, recording_thread


def frame(number: int) -> bytes:
    """Return a frame that is known by its samples."""
    return np.full(FRAME_SAMPLES, number % 30_000, "<i2").tobytes()


def tape(path: Path) -> np.ndarray:
    """Read a file as somebody else would."""
    sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert rate == SAMPLE_RATE_HZ
    return np.asarray(sound)


async def test_every_tick_has_its_place_left_the_caller_right_the_agent(tmp_path: Path) -> None:
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread)
        for number in range(3 * CHUNK_FRAMES + 7):
            recorder.add(frame(number), frame(10_000 + number))
        recorded = await recorder.finish()
        assert await recorder.finish() == recorded
    sound = tape(recorded.path)
    assert len(sound) == (3 * CHUNK_FRAMES + 7) * FRAME_SAMPLES
    assert recorded.duration_ms == (3 * CHUNK_FRAMES + 7) * 20
    assert recorded.size_bytes == recorded.path.stat().st_size
    assert recorded.is_whole
    ticks = np.arange(len(sound)) // FRAME_SAMPLES
    assert (sound[:, 0] == ticks).all()
    assert (sound[:, 1] == 10_000 + ticks).all()


async def test_a_call_without_a_tick_has_an_empty_recording(tmp_path: Path) -> None:
    with recording_thread() as thread:
        recorded = await Recorder(tmp_path / "call.wav", thread, first_chunk_frames=CHUNK_FRAMES).finish()
    assert len(tape(recorded.path)) == 0
    assert json.loads(recorded.peaks)["left"] == []


async def test_a_recording_is_valid_at_any_moment_and_is_repaired_to_all_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with recording_thread() as thread:
        recorder = Recorder(path, thread, first_chunk_frames=CHUNK_FRAMES)
        for number in range(2 * CHUNK_FRAMES):
            recorder.add(frame(number), frame(number))
        thread.submit(int).result()  # what was handed over before is written
        died = tmp_path / "died.wav"
        died.write_bytes(path.read_bytes())
        assert len(tape(died)) == 2 * CHUNK_FRAMES * FRAME_SAMPLES
        await recorder.finish()
    with died.open("ab") as file:
        file.write(b"\x01\x00" * 2 * 800 + b"\x01")  # sound that its header doesn't know, the last sample cut
    assert wav.repair(died) == 2 * CHUNK_FRAMES * 20 + 100
    assert wav.repair(died) == 2 * CHUNK_FRAMES * 20 + 100
    assert len(tape(died)) == 2 * CHUNK_FRAMES * FRAME_SAMPLES + 800


def test_what_is_no_recording_is_not_repaired(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"OggS")
    with pytest.raises(ValueError, match="not a recording"):
        wav.repair(tmp_path / "x")


async def test_a_disk_that_hangs_costs_bounded_memory_and_never_the_loop(tmp_path: Path) -> None:
    goes_on = Event()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(goes_on.wait, 60)
        recorder = Recorder(tmp_path / "call.wav", thread, first_chunk_frames=CHUNK_FRAMES)
        for number in range((MAX_WAITING_CHUNKS + 5) * CHUNK_FRAMES):
            recorder.add(frame(number), frame(number))
        assert recorder._waiting == MAX_WAITING_CHUNKS
        goes_on.set()
        recorded = await recorder.finish()
    assert not recorded.is_whole


async def test_a_full_disk_ends_the_recording_where_it_was_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread, first_chunk_frames=CHUNK_FRAMES)
        for number in range(CHUNK_FRAMES):
            recorder.add(frame(number), frame(number))
        thread.submit(int).result()

        def full(file: int, content: bytes, at: int) -> None:
            os.pwrite(file, content[:101], at)
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(recorders, "_write_all", full)
        for number in range(2 * CHUNK_FRAMES):
            recorder.add(frame(number), frame(number))
        recorded = await recorder.finish()
    assert not recorded.is_whole
    assert recorded.duration_ms == 1_000
    assert len(tape(recorded.path)) == CHUNK_FRAMES * FRAME_SAMPLES


async def test_a_recording_never_grows_over_its_limit(tmp_path: Path) -> None:
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread, max_recording_ms=100)
        for number in range(20):
            recorder.add(frame(number), frame(number))
        recorded = await recorder.finish()
    assert (recorded.duration_ms, recorded.is_whole) == (100, False)


async def test_a_discarded_recording_leaves_nothing(tmp_path: Path) -> None:
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread, first_chunk_frames=CHUNK_FRAMES)
        for number in range(2 * CHUNK_FRAMES):
            recorder.add(frame(number), frame(number))
        await recorder.discard()
    assert not os.listdir(tmp_path)


async def test_a_file_that_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"somebody's")
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread, first_chunk_frames=CHUNK_FRAMES)
        for number in range(CHUNK_FRAMES):
            recorder.add(frame(number), frame(number))
        with pytest.raises(OSError, match="exists"):
            await recorder.finish()
    assert (tmp_path / "call.wav").read_bytes() == b"somebody's"


@pytest.mark.parametrize("chunks", [1, 79, 81, 163, 997])
def test_there_are_never_too_many_peaks_and_none_is_missed(chunks: int) -> None:
    peaks = Peaks()
    sound = np.zeros((8_000, 2), np.int16)
    for _ in range(chunks):
        peaks.add(sound)
    sound[4_321] = (16_384, -32_768)
    peaks.add(sound)
    peaks.add(np.zeros((77, 2), np.int16))
    told = json.loads(peaks.to_json())
    assert 0 < len(told["left"]) == len(told["right"]) <= MAX_PEAKS
    assert len(told["left"]) > MAX_PEAKS / 4 or chunks == 1
    at = (chunks * 8_000 + 4_321) // told["samples_per_peak"]
    assert told["left"][at] == 0.5
    assert told["right"][at] == 1.0
    assert told["left"].count(0.0) == len(told["left"]) - 1
    assert len(peaks._done[0]) <= 2 * MAX_PEAKS
    assert told["duration_ms"] == ((chunks + 1) * 8_000 + 77) // 8
