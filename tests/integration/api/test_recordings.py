"""Recordings, waveforms and figures, as customers get them: their own, what is there, and as long as a link is good."""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from services.api.edges.http.models.recordings import Audio, Figures, Waveform
from services.api.edges.recordings.links import Links
from shared.events.event import Event
from shared.events.executions import (
    AgentLatency,
    CallFigures,
    OwnFigures,
    RecordingSettled,
    RtpFigures,
    TestCallCompleted,
    TestCallFailed,
)
from shared.events.recording import Recording
from shared.recordings.names import new_names
from shared.recordings.store import in_folder
from tests.integration.api.assembly import LINKS, an_api
from tests.integration.api.builders import Org
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_problem
from tests.integration.api.story import Story
from tests.support.databases import Template

pytestmark = pytest.mark.integration

SOUND = b"RIFF" + random.Random(9).randbytes(100_000)  # each worker collects the same tests
PEAKS = {"sample_rate_hz": 8_000, "samples_per_peak": 160, "duration_ms": 40, "left": [0.5, 0.0], "right": [0.0, 1.0]}
BEGAN = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIGURES = CallFigures(
    agent_turns=2,
    bot_turns=2,
    agent_latency_p50_ms=310,
    agent_latency_max_ms=800,
    agent_talk_ratio=0.4,
    set_up_ms=3,
    ring_ms=40,
    agent_latencies=(AgentLatency(at_ms=900, latency_ms=310),),
    agent_latency_p95_ms=780,
    latency_uncertainty_ms=12,
    dead_air_ms=0,
    rtp=RtpFigures(received=500, lost=3, jitter_ms=0.5, concealed_ms=60),
    own=OwnFigures(stt_ms=700, tts_ms=300),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
async def shelf_api(template: Template, folder: Path) -> AsyncIterator[Api]:
    """An API with a store of recordings, for the tests of this module."""
    async with template.copy() as copy, an_api(copy.url("api"), offers_sip=True, store=in_folder(folder)) as api:
        yield api


def a_recording(story: Story, folder: Path, *, is_stored: bool = True) -> Recording:
    """What a completion says of a recording; its objects lie in the folder, if it is stored."""
    name, peaks_name = new_names(story.org.org_id, story.call_id)
    if is_stored:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(SOUND)
        (folder / peaks_name).write_text(json.dumps(PEAKS))
    return Recording(
        mode="recording",
        name=name,
        peaks_name=peaks_name,
        is_stored=is_stored,
        bytes=len(SOUND),
        duration_ms=40,
        started_at=BEGAN,
    )


def recorded(story: Story, recording: Recording | None) -> TestCallCompleted:
    return story.completed().model_copy(update={"recording": recording, "figures": FIGURES, "answered_at": BEGAN})


def settled(story: Story, recording: Recording) -> RecordingSettled:
    return RecordingSettled(run_id=story.run_id, org_id=story.org.org_id, call_id=story.call_id, recording=recording)


async def a_recorded_call(api: Api, folder: Path) -> tuple[Org, Story]:
    org = await api.org()
    story = await api.paid(org, mode="sip")
    await api.hear(story.started(), recorded(story, a_recording(story, folder)))
    return org, story


async def link_of(api: Api, org: Org, story: Story) -> str:
    answer = await api.get(org, f"/v1/calls/{story.call_id}/audio")
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["url"]
    return url


async def test_a_recorded_call_shows_what_it_has(shelf_api: Api, folder: Path) -> None:
    org, story = await a_recorded_call(shelf_api, folder)
    call, run = await shelf_api.seen_call(org, story.call_id), await shelf_api.run(org, story.run_id)
    assert (call["recording_mode"], call["recording_started_at"]) == ("recording", "2026-11-25T12:00:00.000Z")
    assert call["sip_answered_at"] == "2026-11-25T12:00:00.000Z"
    for url in (call["recording_url"], run["recording_url"], await link_of(shelf_api, org, story)):
        answer = await shelf_api.client.get(url)
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, SOUND, "audio/wav")
    calls, runs = [(await shelf_api.get(org, path)).json() for path in ("/v1/calls", "/v1/test-calls")]
    listed = [*calls["results"], *runs]
    assert len(listed) == 2
    assert all(one["recording_url"].startswith("http://api.test/recordings/") for one in listed)


async def test_a_waveform_and_figures_are_what_was_told(shelf_api: Api, folder: Path) -> None:
    org, story = await a_recorded_call(shelf_api, folder)
    call = f"/v1/calls/{story.call_id}"
    assert (await shelf_api.get(org, f"{call}/waveform")).json() == {"call_id": story.call_id, **PEAKS}
    for what, shape in (("audio", Audio), ("waveform", Waveform), ("figures", Figures)):
        shape.model_validate_json((await shelf_api.get(org, f"{call}/{what}")).content, strict=True)
    figures = (await shelf_api.get(org, f"{call}/figures")).json()
    assert figures == {**FIGURES.model_dump(mode="json"), "call_id": story.call_id}
    assert (figures["own"]["llm_ms"], figures["interruptions_by_agent"]) == (None, None)


async def test_a_call_without_a_recording_says_why(shelf_api: Api, folder: Path) -> None:
    org = await shelf_api.org(max_concurrent_runs=10)
    silent, failed, up = await shelf_api.paid(org), await shelf_api.paid(org), await shelf_api.paid(org)
    lost = Recording(mode="recording_failed_before_capture")
    await shelf_api.hear(*(story.started() for story in (silent, failed, up)))
    await shelf_api.hear(recorded(silent, Recording(mode="disabled_by_config")), recorded(failed, lost))
    for story, mode in ((silent, "disabled_by_config"), (failed, lost.mode), (up, "disabled_by_config")):
        call = await shelf_api.seen_call(org, story.call_id)
        assert (call["recording_mode"], call["recording_url"], call["recording_started_at"]) == (mode, None, None)
        for what in ("audio", "waveform"):
            assert_problem(await shelf_api.get(org, f"/v1/calls/{story.call_id}/{what}"), 404, "not_found")
    assert_problem(await shelf_api.get(org, f"/v1/calls/{up.call_id}/figures"), 404, "not_found")


async def test_a_failed_call_keeps_what_was_recorded_of_it(shelf_api: Api, folder: Path) -> None:
    org = await shelf_api.org()
    story = await shelf_api.paid(org, mode="sip")
    failed: TestCallFailed = story.failed().model_copy(
        update={"recording": a_recording(story, folder), "figures": FIGURES}
    )
    await shelf_api.hear(story.started(), failed)
    assert (await shelf_api.client.get(await link_of(shelf_api, org, story))).content == SOUND
    assert (await shelf_api.get(org, f"/v1/calls/{story.call_id}/figures")).status_code == 200


@pytest.mark.parametrize("order", ["end first", "settled first", "twice", "one poll"])
async def test_a_recording_that_comes_later_is_shown_when_it_is_there(shelf_api: Api, folder: Path, order: str) -> None:
    org = await shelf_api.org()
    story = await shelf_api.paid(org, mode="sip")
    there = a_recording(story, folder)
    end, late = recorded(story, there.model_copy(update={"is_stored": False})), settled(story, there)
    await shelf_api.hear(story.started())
    if order == "end first":
        await shelf_api.hear(end)
        call = await shelf_api.seen_call(org, story.call_id)
        assert (call["recording_mode"], call["recording_url"]) == ("recording", None)
        assert_problem(await shelf_api.get(org, f"/v1/calls/{story.call_id}/audio"), 404, "not_found")
    said: dict[str, list[Event]] = {"end first": [late], "settled first": [late, end], "twice": [end, late, late, end]}
    for event in said.get(order, []):
        await shelf_api.hear(event)
    if order == "one poll":
        await shelf_api.hear(end, late)
    assert (await shelf_api.client.get(await link_of(shelf_api, org, story))).content == SOUND


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_recording_that_never_comes_is_said_to_have_failed(
    shelf_api: Api, folder: Path, order: tuple[int, int]
) -> None:
    org = await shelf_api.org()
    story = await shelf_api.paid(org, mode="sip")
    end = recorded(story, a_recording(story, folder, is_stored=False))
    events = (end, settled(story, Recording(mode="recording_failed_before_capture")))
    await shelf_api.hear(story.started())
    for nth in order:
        await shelf_api.hear(events[nth])
    call = await shelf_api.seen_call(org, story.call_id)
    assert (call["recording_mode"], call["recording_url"]) == ("recording_failed_before_capture", None)


async def test_a_row_whose_object_is_gone_is_no_recording(shelf_api: Api, folder: Path) -> None:
    org, story = await a_recorded_call(shelf_api, folder)
    url = await link_of(shelf_api, org, story)
    for file in (folder / str(org.org_id)).iterdir():
        file.unlink()
    for what in ("audio", "waveform"):
        assert_problem(await shelf_api.get(org, f"/v1/calls/{story.call_id}/{what}"), 404, "not_found")
    assert_problem(await shelf_api.client.get(url), 404, "not_found")


async def test_another_organisations_call_is_as_one_that_is_not_there(shelf_api: Api, folder: Path) -> None:
    _, story = await a_recorded_call(shelf_api, folder)
    stranger = await shelf_api.org()
    for what in ("audio", "waveform", "figures"):
        others = await shelf_api.get(stranger, f"/v1/calls/{story.call_id}/{what}")
        nobodys = await shelf_api.get(stranger, f"/v1/calls/{2**53 - 1}/{what}")
        assert (others.status_code, others.content) == (nobodys.status_code, nobodys.content)
        assert_problem(others, 404, "not_found")
        assert (await shelf_api.client.get(f"/v1/calls/{story.call_id}/{what}")).status_code == 401


async def test_a_link_is_good_for_its_object_and_its_time_alone(shelf_api: Api, folder: Path) -> None:
    org, story = await a_recorded_call(shelf_api, folder)
    _, other = await a_recorded_call(shelf_api, folder)
    answer = (await shelf_api.get(org, f"/v1/calls/{story.call_id}/audio")).json()
    parts = urlsplit(answer["url"])
    given = dict(parse_qsl(parts.query))
    expires = int(given["expires"])
    assert datetime.fromisoformat(answer["expires_at"]).timestamp() == expires
    assert timedelta(seconds=590) < datetime.fromtimestamp(expires, UTC) - datetime.now(UTC) <= timedelta(seconds=600)
    others = urlsplit(await link_of(shelf_api, other.org, other)).path
    over = replace(LINKS, clock=lambda: datetime.now(UTC).timestamp() - 601).to(parts.path.removeprefix("/recordings/"))
    forged = Links(b"another secret", "http://api.test", 600).to(parts.path.removeprefix("/recordings/"))
    links = [
        f"{others}?{parts.query}",
        f"{parts.path}?expires={expires + 1}&signature={given['signature']}",
        f"{parts.path}?expires={expires}&signature={given['signature'][:-1]}",
        f"{parts.path}?expires=%2B{expires}&signature={given['signature']}",
        f"{parts.path}?expires={expires}",
        parts.path,
        over,
        forged,
        LINKS.to("%2e%2e/%2e%2e/etc/passwd"),
        LINKS.to(f"{org.org_id}/%2e%2e/x.wav"),
        LINKS.to(parts.path.removeprefix("/recordings/").replace(".wav", ".peaks.json")),
    ]
    refused = [await shelf_api.client.get(link) for link in links]
    assert {(one.status_code, one.content) for one in refused} == {(403, refused[0].content)}
    assert_problem(refused[0], 403, "link_invalid")
    assert (await shelf_api.client.get(answer["url"])).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-3", 206, SOUND[:4], f"bytes 0-3/{len(SOUND)}"),
        ("bytes=100000-", 206, SOUND[100_000:], f"bytes 100000-{len(SOUND) - 1}/{len(SOUND)}"),
        ("bytes=-4", 206, SOUND[-4:], f"bytes {len(SOUND) - 4}-{len(SOUND) - 1}/{len(SOUND)}"),
        ("bytes=999999-", 416, None, None),
    ],
)
async def test_a_player_may_ask_for_a_piece(
    shelf_api: Api, folder: Path, asked: str, status: int, content: bytes | None, told: str | None
) -> None:
    org, story = await a_recorded_call(shelf_api, folder)
    answer = await shelf_api.client.get(await link_of(shelf_api, org, story), headers={"Range": asked})
    assert answer.status_code == status
    if content is not None:
        assert (answer.content, answer.headers["content-range"]) == (content, told)


async def test_a_head_says_what_a_get_would_give_and_reads_nothing(
    shelf_api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    org, story = await a_recorded_call(shelf_api, folder)
    url = await link_of(shelf_api, org, story)
    opened: list[Any] = []
    monkeypatch.setattr("anyio.open_file", lambda *file, **_: opened.append(file))
    answer = await shelf_api.client.head(url)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(SOUND)))
    assert opened == []
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("audio/wav", "private, no-store")
    assert answer.headers["accept-ranges"] == "bytes"


async def test_a_recording_of_nobodys_call_changes_nothing(shelf_api: Api, folder: Path) -> None:
    org, story = await a_recorded_call(shelf_api, folder)
    other = a_recording(story, folder)
    await shelf_api.hear(settled(story, other).model_copy(update={"run_id": 2**53 - 1, "call_id": 2**53 - 1}))
    await shelf_api.hear(settled(story, other), recorded(story, other))
    assert other.name is not None
    assert other.name not in await link_of(shelf_api, org, story), "what was settled first stays"


async def test_an_api_without_a_store_has_no_recordings(sip_api: Api, folder: Path) -> None:
    org, story = await a_recorded_call(sip_api, folder)
    call: dict[str, Any] = await sip_api.seen_call(org, story.call_id)
    for what in ("audio", "waveform"):
        assert_problem(await sip_api.get(org, f"/v1/calls/{story.call_id}/{what}"), 404, "not_found")
    assert_problem(await sip_api.client.get(call["recording_url"]), 404, "not_found")
