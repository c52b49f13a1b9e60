"""A call in text through the whole system is heard afterwards: both voices where the transcript has their turns."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from services.caller.edges.speech.endpoint import speech_over
from services.caller.edges.speech.reached import SpeechEndpoint
from shared.events.connection import OpenAIConnection
from tests.e2e.test_calls_over_sip import a_speaking_system, ended
from tests.support.far_end import a_far_end
from tests.support.system import Org, System, a_call
from tests.support.waiting import eventually
from tests.unit.caller.endpoint import some_pools

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

CHANNELS = {"user": (0, "rms"), "assistant": (1, "awb")}
SAMPLES_PER_MS = 8
NOWHERE = "http://127.0.0.1:9/v1"


async def recorded(system: System, org: Org, call_id: int) -> NDArray[Any]:
    """Wait for a call's recording, and fetch it as a customer does."""

    async def link() -> str:
        answer = await system.get(org, f"/v1/calls/{call_id}/audio")
        return str(answer.json()["url"]) if answer.status_code == 200 else ""

    url = await eventually(link, within_seconds=60, what="there is a recording")
    sound, rate = soundfile.read(BytesIO((await system.client.get(url)).content), dtype="int16")
    assert (rate, sound.shape[1]) == (8_000, 2)
    return np.asarray(sound)


async def run_in_text(system: System, org: Org) -> dict[str, Any]:
    posted = await system.post(org, "/v1/test-calls", a_call(org, recording=True))
    assert posted.status_code == 201, posted.text
    return await ended(system, org, posted.json()["id"])


@pytest.mark.parametrize("kind", ["builtin", "openai"])
async def test_each_turn_of_a_call_in_text_is_heard_where_it_stands_to_the_sample(
    idle_system: System, speech_server: str, tmp_path: Path, kind: str
) -> None:
    await a_speaking_system(idle_system, speech_server, tmp_path)
    async with a_far_end(talks=2) as far_end:
        agent: OpenAIConnection | None = far_end.connection if kind == "openai" else None
        org = await idle_system.org(agent=agent)
        run = await run_in_text(idle_system, org)
    assert (run["status"], run["recording"]) == ("completed", True)
    sound = await recorded(idle_system, org, run["call_id"])
    turns = (await idle_system.get(org, f"/v1/calls/{run['call_id']}/transcript")).json()["transcripts"]
    spoken = [turn for turn in turns if turn["content_type"] == "text/plain"]
    assert {turn["role"] for turn in spoken} == set(CHANNELS)

    pools = some_pools()
    speech = speech_over(pools, SpeechEndpoint(speech_server, "tts-1", "whisper-1"))
    expected = np.zeros_like(sound)
    for turn in spoken:
        channel, voice = CHANNELS[turn["role"]]
        voiced = np.frombuffer(await speech.say(turn["content"], voice), "<i2")
        at = turn["start_ms"] * SAMPLES_PER_MS
        expected[at:, channel] = 0
        expected[at : at + len(voiced), channel] = voiced
        assert np.abs(sound[at : at + len(voiced), channel]).max() > 600, "a voice is there"
    await speech.aclose()
    await pools.aclose()
    assert np.array_equal(sound, expected), "each side's words at their times, and nothing else"
    call = (await idle_system.get(org, f"/v1/calls/{run['call_id']}")).json()
    assert call["recording_mode"] == "recording"
    assert call["recording_url"] is not None
    drawn = (await idle_system.get(org, f"/v1/calls/{run['call_id']}/waveform")).json()
    assert max(drawn["left"]) > 0
    assert max(drawn["right"]) > 0


async def test_no_end_bill_or_slot_waits_for_speech_and_a_killed_caller_forgets_no_recording(
    idle_system: System, speech_server: str, tmp_path: Path
) -> None:
    system = idle_system
    await a_speaking_system(system, NOWHERE, tmp_path)
    org = await system.org(max_concurrent_runs=1)
    runs = [await run_in_text(system, org) for _ in range(2)]
    assert [run["status"] for run in runs] == ["completed"] * 2
    await system.all_ended(org, runs=2)
    for run in runs:
        answer = await system.get(org, f"/v1/calls/{run['call_id']}/audio")
        assert answer.status_code == 404
    await asyncio.to_thread(system.kill, "caller")
    system.start("caller", SPEECH_BASE_URL=speech_server, RECORDINGS_FOLDER=str(tmp_path / "recordings"))
    for run in runs:
        assert (await recorded(system, org, run["call_id"])).any(axis=0).all()


async def test_without_speech_a_call_in_text_says_that_it_has_no_recording(idle_system: System, tmp_path: Path) -> None:
    system = idle_system
    for service in ("api", "scheduler", "caller", "billing"):
        system.start(service, RECORDINGS_FOLDER=str(tmp_path / "recordings"))
    await system.ready()
    org = await system.org()
    run = await run_in_text(system, org)
    call = (await system.get(org, f"/v1/calls/{run['call_id']}")).json()
    assert (run["status"], call["recording_mode"], call["recording_url"]) == ("completed", "disabled_by_config", None)
