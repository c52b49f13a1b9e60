"""A call in text has its recording after its end: nothing waits for it, no death forgets it, its loss is told."""

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.caller.domain.conversation import Conversation
from services.caller.domain.media import SpeechError
from services.caller.domain.sound import Kept
from services.caller.domain.turn import Turn
from services.caller.edges.calls.recording import FAILED, OfLeg
from services.caller.edges.calls.spoken import ChosenCalls
from services.caller.edges.media.render import Voices
from services.caller.edges.recordings import rendering
from services.caller.edges.recordings.keeping import DISABLED, LOST, OfCall, Recordings
from services.caller.edges.recordings.rendering import Renderings
from services.caller.edges.recordings.scores import Score, Scores
from services.caller.edges.recordings.spool import MAX_RECORDING_SECONDS, Spool
from shared.events.admissions import TestCallDispatched
from shared.events.recording import Recording
from tests.support.waiting import eventually
from tests.unit.caller.builders import Script, a_claim, a_dispatch, hangs_up, instant_clock
from tests.unit.caller.media.test_recorder import tape
from tests.unit.caller.test_keeping_recordings import MoodyStore, Said, left_in

VOICES = Voices(bot="rms", agent="awb")
ANSWERED = datetime(2026, 11, 25, 12, tzinfo=UTC)
TURNS = (
    Turn("assistant", "text/plain", "hello", 0, 400),
    Turn("tool_call", "application/json", "{}", 400, 400),
    Turn("user", "text/plain", "…", 400, 450),
    Turn("user", "text/plain", "bye", 500, 700),
)


def of(number: int = 1, org_id: int = 7) -> OfCall:
    return OfCall(run_id=number, org_id=org_id, call_id=10 + number, log_id=10 + number)


@dataclass
class Voice:
    """Speech of half a second for each line. It may be away, or never answer."""

    is_away: bool = False
    is_stuck: bool = False
    said: list[tuple[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0

    async def say(self, text: str, voice: str) -> bytes:
        self.said.append((text, voice))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if self.is_stuck:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
        finally:
            self._at_once -= 1
        if self.is_away:
            raise SpeechError("The speech endpoint is away")
        return np.full(4_000, 1_000, "<i2").tobytes()

    async def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        raise NotImplementedError


@dataclass
class Deployment:
    """A machine: a store, a spool, what was said; processes come and go."""

    folder: Path
    store: MoodyStore
    spool: Spool
    said: Said
    voice: Voice

    def process(self, *, max_scores: int = 100, **limits: Any) -> tuple[Renderings, Recordings]:
        recordings = Recordings(self.store, self.spool, self.said)
        scores = Scores(self.spool._folder, max_scores=max_scores)
        return Renderings(scores, recordings, self.voice, VOICES, **limits), recordings


@pytest.fixture
def machine(tmp_path: Path) -> Deployment:
    folder = tmp_path / "store"
    return Deployment(folder, MoodyStore(folder), Spool(tmp_path / "spool"), Said(), Voice())


async def keep(renderings: Renderings, one: OfCall | None = None) -> Recording:
    return await renderings.keep(one or of(), TURNS, duration_ms=2_000, started_at=ANSWERED)


async def test_the_calls_end_says_its_name_and_nothing_is_said_aloud_for_it(machine: Deployment) -> None:
    machine.voice.is_stuck = True
    renderings, _ = machine.process()
    async with asyncio.timeout(rendering.WAIT_SECONDS):
        kept = await keep(renderings)
    assert (kept.mode, kept.is_stored, kept.started_at) == ("recording", False, ANSWERED)
    assert machine.voice.said == []


async def test_it_is_rendered_stored_and_settled_under_that_name_with_each_turn_at_its_time(
    machine: Deployment,
) -> None:
    renderings, recordings = machine.process()
    kept = await keep(renderings)
    assert await renderings.render_next()
    assert not await renderings.render_next()
    await recordings.send_once()
    (event,) = machine.said.events
    assert (event.run_id, event.org_id, event.call_id, event.is_second_leg) == (1, 7, 11, False)
    assert (event.recording.name, event.recording.is_stored) == (kept.name, True)
    assert (event.recording.duration_ms, event.recording.started_at) == (2_000, ANSWERED)
    assert await stored_peaks(machine, kept)
    sound = tape(machine.folder / (kept.name or ""))
    assert len(sound) == 16_000, "as long as the call"
    assert np.flatnonzero(sound[:, 1]).tolist() == list(range(4_000))
    assert np.flatnonzero(sound[:, 0]).tolist() == list(range(4_000, 8_000))
    assert machine.voice.said == [("hello", "awb"), ("bye", "rms")], "of three dots nobody makes sound"
    assert left_in(machine.spool) == []


async def stored_peaks(machine: Deployment, kept: Recording) -> bool:
    return bool(await machine.store.read(kept.peaks_name or "", max_bytes=100_000))


async def test_what_a_process_that_was_killed_has_left_is_rendered_by_the_next(machine: Deployment) -> None:
    dying, _ = machine.process()
    kept = await keep(dying)
    machine.voice.is_stuck = True
    killed = asyncio.create_task(dying.render_next())
    await eventually(lambda: _is(machine.voice.said), what="it is being said")
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    machine.voice.is_stuck = False
    another, recordings = machine.process()
    assert await another.render_next()
    await recordings.send_once()
    assert [event.recording.name for event in machine.said.events] == [kept.name]
    assert left_in(machine.spool) == []


async def _is(it: object) -> bool:
    return bool(it)


async def test_a_death_between_handing_over_and_forgetting_changes_nothing(
    machine: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(self: Scores, name: str) -> None:
        raise Killed

    dying, _ = machine.process()
    kept = await keep(dying)
    with monkeypatch.context() as death:
        death.setattr(Scores, "drop", killed)
        with pytest.raises(Killed):
            await dying.render_next()
    another, recordings = machine.process()
    assert await another.render_next()
    await recordings.send_once()
    assert {event.recording.name for event in machine.said.events} == {kept.name}
    assert left_in(machine.spool) == []


async def test_two_processes_render_a_call_once(machine: Deployment) -> None:
    processes = [machine.process()[0] for _ in range(4)]
    await keep(processes[0])
    assert sorted(await asyncio.gather(*(one.render_next() for one in processes))) == [False, False, False, True]
    assert len(machine.voice.said) == 2


async def test_speech_that_is_away_is_waited_for_and_others_do_not_wait_with_it(machine: Deployment) -> None:
    machine.voice.is_away = True
    renderings, recordings = machine.process(retry_seconds=3_600.0)
    await keep(renderings, of(1))
    assert await renderings.render_next()
    machine.voice.is_away = False
    assert not await renderings.render_next(), "it is tried again in a while"
    await keep(renderings, of(2))
    assert await renderings.render_next()
    await recordings.send_once()
    assert [event.run_id for event in machine.said.events] == [2]
    later, recordings = machine.process()
    assert await later.render_next()
    await recordings.send_once()
    assert [event.run_id for event in machine.said.events] == [2, 1]


@pytest.mark.parametrize("how", ["is_away", "is_stuck"])
async def test_what_cannot_be_said_is_given_up_and_told(machine: Deployment, how: str) -> None:
    setattr(machine.voice, how, True)
    renderings, _ = machine.process(retry_seconds=0.0, limit_seconds=0.02, max_tries=3)
    await keep(renderings)
    tried = 0
    while await renderings.render_next():
        tried += 1
    (event,) = machine.said.events
    assert (tried, event.call_id, event.recording) == (3, 11, LOST)
    assert left_in(machine.spool) == []


async def test_a_loss_that_could_not_be_told_is_told_later(machine: Deployment) -> None:
    machine.voice.is_away = machine.said.is_deaf = True
    renderings, _ = machine.process(max_tries=1)
    await keep(renderings)
    with pytest.raises(OSError):
        await renderings.render_next()
    machine.said.is_deaf = False
    await renderings.render_next()
    assert [event.recording for event in machine.said.events] == [LOST]


async def test_a_spool_without_room_is_told(machine: Deployment) -> None:
    machine.spool._max_bytes = 1_000
    renderings, _ = machine.process()
    await keep(renderings)
    assert await renderings.render_next()
    assert [event.recording for event in machine.said.events] == [LOST]
    assert left_in(machine.spool) == []


async def test_what_waits_has_an_end_and_one_organisation_leaves_room_for_another(machine: Deployment) -> None:
    renderings, _ = machine.process(max_scores=6)
    modes = [(await keep(renderings, of(nth))).mode for nth in range(5)]
    assert modes == ["recording"] * 3 + [LOST.mode] * 2
    assert (await keep(renderings, of(9, org_id=8))).mode == "recording"
    assert left_in(machine.spool) == [".score"] * 4


async def test_organisations_are_rendered_in_turn(machine: Deployment) -> None:
    renderings, recordings = machine.process()
    for number, org_id in enumerate((7, 7, 7, 8), start=1):
        await keep(renderings, of(number, org_id))
    for _ in range(4):
        await renderings.render_next()
    await recordings.send_once()
    assert [event.run_id for event in machine.said.events] == [1, 4, 2, 3]


async def test_so_many_at_once_and_no_more(machine: Deployment) -> None:
    renderings, _ = machine.process()
    for number in range(1, 9):
        await keep(renderings, of(number))
    working = asyncio.create_task(renderings.render_for_ever())

    async def all_rendered() -> bool:
        return left_in(machine.spool).count(".facts") == 8

    await eventually(all_rendered, what="all are rendered")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert machine.voice.most_at_once == rendering.RENDERS_AT_ONCE


async def test_a_disk_that_is_full_costs_the_recording_and_says_so(
    machine: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Scores, score: Score) -> bool:
        raise OSError("no space left")

    renderings, _ = machine.process()
    monkeypatch.setattr(Scores, "add", full)
    assert await keep(renderings) == LOST


async def test_without_a_store_or_speech_nothing_is_recorded(machine: Deployment) -> None:
    scores, recordings = Scores(machine.spool._folder), Recordings(machine.store, machine.spool, machine.said)
    for renderings in (
        Renderings(None, recordings, machine.voice, VOICES),
        Renderings(scores, Recordings(None, machine.spool, machine.said), machine.voice, VOICES),
        Renderings(scores, recordings, None, VOICES),
    ):
        assert await keep(renderings) == DISABLED
        assert not await renderings.render_next()
    assert left_in(machine.spool) == []


async def test_scores_that_cannot_be_read_stop_nothing_and_old_ones_are_no_rubbish(machine: Deployment) -> None:
    renderings, _ = machine.process()
    await keep(renderings)
    for name, content in (("1-7-x.score", "{"), ("strange.score", '{"turns": 5}'), ("2-8-y.score", "[]")):
        (machine.spool._folder / name).write_text(content)
    for file in machine.spool._folder.iterdir():
        os.utime(file, (0, MAX_RECORDING_SECONDS))
    machine.spool.sweep()
    assert len(left_in(machine.spool)) == 4
    assert await renderings.render_next()
    assert not await renderings.render_next()


# A call in text, from its placing to its end.


@dataclass
class Rendered:
    """Takes calls to be rendered."""

    fails: bool = False
    taken: list[tuple[OfLeg, Conversation]] = field(default_factory=list)

    async def keep(self, of: OfLeg, held: Conversation, answered_at: datetime) -> Kept:
        if self.fails:
            raise RuntimeError
        self.taken.append((of, held))
        return Kept("recording", name="7/11a.wav")


class Parties:
    """Two that say goodbye, or an agent that cannot be called."""

    def __init__(self, agent: Script) -> None:
        self._agent = agent

    def bot(self, dispatch: TestCallDispatched) -> Script:
        return Script(hangs_up("Goodbye."))

    def agent(self, dispatch: TestCallDispatched) -> Script:
        return self._agent


async def a_text_call(renders: Rendered | None, **fields: Any) -> Kept | None:
    call = ChosenCalls(Parties(Script("Hello.")), None, {}, renders).call(
        a_claim(), a_dispatch(**fields), instant_clock(), "trace"
    )
    await call.place()
    await call.hold()
    kept = await call.close()
    assert kept is None or isinstance(kept, Kept)
    return kept


async def test_a_call_in_text_is_rendered_if_that_was_asked_for() -> None:
    renders = Rendered()
    assert await a_text_call(renders) is None
    assert await a_text_call(None, recording=True) is None
    kept = await a_text_call(renders, recording=True)
    assert kept is not None
    assert kept.mode == "recording"
    ((whose, held),) = renders.taken
    assert whose == OfLeg(11, 1, 23, 23, False, "trace")
    assert [turn.content for turn in held.turns] == ["Hello.", "Goodbye."]
    assert held.duration_ms == held.turns[-1].end_ms


async def test_a_call_that_nobody_answered_has_no_recording() -> None:
    renders = Rendered()
    call = ChosenCalls(Parties(Script("")), None, {}, renders).call(
        a_claim(), a_dispatch(recording=True), instant_clock(), None
    )
    with pytest.raises(Exception, match="did not answer"):
        await call.place()
    assert await call.close() is None
    assert renders.taken == []


async def test_whatever_becomes_of_a_recording_the_call_has_its_end() -> None:
    assert await a_text_call(Rendered(fails=True), recording=True) == FAILED
