"""A recording is kept whatever its store does: no call's end waits for long, none is lost silently or comes twice."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.caller.edges.recordings import keeping
from services.caller.edges.recordings.keeping import DISABLED, LOST, OfCall, Recordings
from services.caller.edges.recordings.spool import MAX_RECORDING_SECONDS, Spool
from shared.events.executions import RecordingSettled
from shared.events.recording import Recording
from shared.messaging.messages import Say
from shared.recordings.store import RecordingStore, StoreAway, in_folder

CALL = OfCall(run_id=1, org_id=7, call_id=11, log_id=11, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
SECOND = OfCall(run_id=1, org_id=7, call_id=11, log_id=None, is_second_leg=True)
BEGAN = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Said:
    """What was said, and whether it can be."""

    def __init__(self) -> None:
        self.events: list[RecordingSettled] = []
        self.is_deaf = False

    async def __call__(self, says: Sequence[Say]) -> None:
        if self.is_deaf:
            raise OSError
        self.events += [say.event for say in says if isinstance(say.event, RecordingSettled)]


class MoodyStore(RecordingStore):
    """A folder that can be away, or slow."""

    def __init__(self, folder: Path) -> None:
        sound = in_folder(folder)
        super().__init__(sound._inner, folder=folder)
        self.is_away = False
        self.is_stuck = False
        self.asked = 0

    async def put(self, name: str, content: Path | bytes) -> None:
        self.asked += 1
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.is_away:
            raise StoreAway("away")
        await super().put(name, content)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def store(tmp_path: Path) -> MoodyStore:
    return MoodyStore(tmp_path / "store")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def written(spool: Spool, content: bytes = b"sound") -> Path:
    """What a recorder leaves behind."""
    place = spool.place()
    place.write_bytes(content)
    return place


async def keep(recordings: Recordings, spool: Spool, of: OfCall = CALL) -> Recording:
    return await recordings.keep(of, written(spool), peaks="{}", duration_ms=20, started_at=BEGAN)


def left_in(spool: Spool) -> list[str]:
    return sorted(file.suffix for file in spool._folder.iterdir())


async def stored(store: RecordingStore, name: str | None) -> bytes | None:
    return await store.read(name or "", max_bytes=99)


async def test_a_recording_is_stored_before_its_calls_end_is_said(store: MoodyStore, spool: Spool, said: Said) -> None:
    recording = await keep(Recordings(store, spool, said), spool)
    assert (recording.mode, recording.is_stored, recording.bytes, recording.duration_ms) == ("recording", True, 5, 20)
    assert (await stored(store, recording.name), await stored(store, recording.peaks_name)) == (b"sound", b"{}")
    assert (recording.started_at, said.events, left_in(spool)) == (BEGAN, [], [])


async def test_without_a_store_nothing_is_recorded(spool: Spool, said: Said) -> None:
    recordings = Recordings(None, spool, said)
    assert recordings.place is None
    assert await keep(recordings, spool) == DISABLED


@pytest.mark.parametrize("how", ["is_away", "is_stuck"])
async def test_a_store_that_is_away_holds_up_one_end_for_a_moment_and_the_next_not_at_all(
    store: MoodyStore, spool: Spool, said: Said, how: str
) -> None:
    setattr(store, how, True)
    recordings = Recordings(store, spool, said, wait_seconds=0.05)
    async with asyncio.timeout(keeping.WAIT_SECONDS):
        first = await keep(recordings, spool)
        asked = store.asked
        second = await keep(recordings, spool)
    assert store.asked == asked, "it is known to be away"
    for one in (first, second):
        assert (one.mode, one.is_stored, one.name is not None) == ("recording", False, True)
    setattr(store, how, False)
    await recordings.send_once()
    assert [(one.recording.name, one.recording.is_stored) for one in said.events] == [
        (first.name, True),
        (second.name, True),
    ]
    assert await stored(store, first.name) == b"sound"
    await recordings.send_once()
    assert (len(said.events), left_in(spool)) == (2, [])


async def test_what_a_process_that_died_has_left_is_sent_by_another(
    store: MoodyStore, spool: Spool, said: Said
) -> None:
    store.is_away = True
    kept = await keep(Recordings(store, spool, said), spool, SECOND)
    store.is_away = False
    another = Recordings(store, Spool(spool._folder), said)
    await another.send_once()
    (event,) = said.events
    assert (event.run_id, event.org_id, event.call_id, event.is_second_leg) == (1, 7, None, True)
    assert event.recording == kept.model_copy(update={"is_stored": True})


async def test_two_processes_say_it_once(store: MoodyStore, spool: Spool, said: Said) -> None:
    store.is_away = True
    for _ in range(5):
        await keep(Recordings(store, spool, said), spool)
    store.is_away = False
    await asyncio.gather(*(Recordings(store, Spool(spool._folder), said).send_once() for _ in range(4)))
    names = [event.recording.name for event in said.events]
    assert len(names) == len(set(names)) == 5


async def test_what_could_not_be_said_is_said_later(store: MoodyStore, spool: Spool, said: Said) -> None:
    store.is_away = said.is_deaf = True
    recordings = Recordings(store, spool, said)
    await keep(recordings, spool)
    store.is_away = False
    with pytest.raises(OSError):
        await recordings.send_once()
    said.is_deaf = False
    await recordings.send_once()
    assert (len(said.events), left_in(spool)) == (1, [])


async def test_a_recording_that_cannot_be_stored_for_too_long_is_said_to_be_lost(
    store: MoodyStore, spool: Spool, said: Said
) -> None:
    store.is_away = True
    recordings = Recordings(store, spool, said, give_up_seconds=0.0)
    await keep(recordings, spool)
    await recordings.send_once()
    assert [event.recording for event in said.events] == [LOST]
    assert left_in(spool) == []


async def test_a_recording_that_somebody_has_deleted_is_said_to_be_lost(
    store: MoodyStore, spool: Spool, said: Said
) -> None:
    store.is_away = True
    recordings = Recordings(store, spool, said)
    await keep(recordings, spool)
    store.is_away = False
    for file in spool._folder.glob("*.wav"):
        file.unlink()
    await recordings.send_once()
    assert [event.recording for event in said.events] == [LOST]


async def test_a_spool_has_an_end(store: MoodyStore, tmp_path: Path, said: Said) -> None:
    store.is_away = True
    spool = Spool(tmp_path / "small", max_bytes=9)
    recordings = Recordings(store, spool, said)
    assert [(await keep(recordings, spool)).mode for _ in range(2)] == ["recording", LOST.mode]
    assert left_in(spool) == [".facts", ".json", ".wav"]


async def test_a_recorder_that_wrote_nothing_costs_no_call(store: MoodyStore, spool: Spool, said: Said) -> None:
    recordings = Recordings(store, spool, said)
    assert await recordings.keep(CALL, spool.place(), peaks="", duration_ms=0, started_at=None) == LOST


async def test_what_nobody_writes_any_more_is_swept_away(store: MoodyStore, spool: Spool, said: Said) -> None:
    store.is_away = True
    await keep(Recordings(store, spool, said), spool)
    old, young = written(spool), written(spool)
    long_ago = time.time() - MAX_RECORDING_SECONDS - 1
    for file in spool._folder.iterdir():
        if file != young:
            os.utime(file, (long_ago, long_ago))
    spool.sweep()
    assert (old.exists(), young.exists()) == (False, True)
    assert len(spool.waiting()) == 1, "what waits is no rubbish, however old"


async def test_facts_that_cannot_be_read_stop_nothing(store: MoodyStore, spool: Spool, said: Said) -> None:
    (spool._folder / "x.facts").write_text("{")
    (spool._folder / "y.facts").write_text('{"of": "a later release"}')
    assert (await keep(Recordings(store, spool, said), spool)).is_stored
    assert keeping.WAIT_SECONDS < 5
