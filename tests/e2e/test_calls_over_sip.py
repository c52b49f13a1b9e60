"""Calls over SIP through the whole system: packets, speech both ways, two call logs, recordings, figures, one bill."""

import asyncio
import base64
import secrets
from collections.abc import Mapping
from difflib import SequenceMatcher
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.system import SERVICES, Org, System
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

PROMPT = "You want to know the opening hours on Saturday."
CALL_SECONDS = 120.0


async def a_speaking_system(system: System, speech_server: str, folder: Path) -> None:
    """Start all four services, with what calls over SIP need."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    common = {"INBOUND_WEBHOOK_SECRET": secret, "RECORDINGS_FOLDER": str(folder / "recordings")}
    system.start("api", **common, SIP_CALLS="true")
    for service in SERVICES[1:]:
        system.start(
            service, **common, INBOUND_WEBHOOK_URL=system.url, SPEECH_BASE_URL=speech_server, MEDIA_PORTS="21000-21199"
        )
    await system.ready()


async def run_over_sip(system: System, org: Org, **fields: Any) -> int:
    answer = await system.post(
        org,
        "/v1/test-calls",
        {
            "target_type": "agent", "target_id": org.agent_id, "direction": "outbound", "mode": "sip",
            "scenario_prompt": PROMPT, "consent_to_charge": True, **fields,
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def ended(system: System, org: Org, run_id: int) -> dict[str, Any]:
    async def over() -> dict[str, Any] | None:
        run: dict[str, Any] = (await system.get(org, f"/v1/test-calls/{run_id}")).json()
        return run if run["status"] in ("completed", "failed") else None

    run = await eventually(over, within_seconds=CALL_SECONDS, what="the run has ended")
    assert run is not None
    return run


async def transcript(system: System, org: Org, call_id: int) -> list[Mapping[str, Any]]:
    answer = await system.get(org, f"/v1/calls/{call_id}/transcript")
    return [turn for turn in answer.json()["transcripts"] if turn["content_type"] == "text/plain"]


def said_by(role: str, turns: list[Mapping[str, Any]]) -> str:
    return " ".join(turn["content"] for turn in turns if turn["role"] == role)


def likeness(one: str, other: str) -> float:
    """Say how much of two texts is the same, word by word."""
    return SequenceMatcher(None, _words(one), _words(other)).ratio()


def _words(text: str) -> list[str]:
    return [word.strip(".,!?'").lower() for word in text.split()]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("direction", ["outbound", "inbound"])
async def test_a_call_over_sip_is_held_recorded_measured_and_charged_once(
    idle_system: System, speech_server: str, tmp_path: Path, direction: str
) -> None:
    system = idle_system
    await a_speaking_system(system, speech_server, tmp_path)
    org = await system.org()
    run = await ended(system, org, await run_over_sip(system, org, direction=direction))
    assert (run["status"], run["error_message"]) == ("completed", "")
    assert run["sip_call_id"] is not None
    assert (run["call_id"] % 2, run["sip_call_id"] % 2) == (1, 0)

    of_the_bot, of_the_agent = [await transcript(system, org, run[key]) for key in ("call_id", "sip_call_id")]
    for role in ("user", "assistant"):
        told = [said_by(role, turns) for turns in (of_the_bot, of_the_agent)]
        assert all(told), "both sides spoke"
        assert likeness(*told) > 0.5, "what one side said is about what the other understood"

    for call_id in (run["call_id"], run["sip_call_id"]):
        link = (await system.get(org, f"/v1/calls/{call_id}/audio")).json()["url"]
        sound, rate = soundfile.read(BytesIO((await system.client.get(link)).content))
        assert (rate, sound.shape[1]) == (8_000, 2)
        assert (np.abs(sound).max(axis=0) > 0.02).all(), "each channel has a voice"

    figures = (await system.get(org, f"/v1/calls/{run['call_id']}/figures")).json()
    assert figures["agent_latency_p50_ms"] is not None
    assert figures["latency_uncertainty_ms"] is not None
    assert figures["set_up_ms"] is not None
    assert figures["rtp"]["received"] > 0

    entries = (await system.get(org, f"/v1/billing/entries?run_id={run['id']}")).json()["results"]
    assert [entry["kind"] for entry in entries].count("settle") == 1
    assert {entry["call_id"] for entry in entries if entry["kind"] == "settle"} == {run["call_id"]}


@pytest.mark.timeout(400)
async def test_a_caller_that_is_killed_in_mid_call_fails_the_run_once_and_nothing_is_charged(
    idle_system: System, speech_server: str, tmp_path: Path
) -> None:
    system = idle_system
    await a_speaking_system(system, speech_server, tmp_path)
    org = await system.org(max_concurrent_runs=1)
    run_id = await run_over_sip(system, org)

    async def talks() -> bool:
        return bool((await system.get(org, f"/v1/test-calls/{run_id}")).json()["status"] == "in_progress")

    await eventually(talks, within_seconds=60, what="the call is up")
    await asyncio.to_thread(system.kill, "caller")
    system.start("caller", SPEECH_BASE_URL=speech_server, MEDIA_PORTS="21200-21399")
    run = await ended(system, org, run_id)
    assert (run["status"], run["error_message"]) == ("failed", "The caller was lost during the call")

    async def settled() -> bool:
        entries = (await system.get(org, f"/v1/billing/entries?run_id={run_id}")).json()["results"]
        return sorted(entry["kind"] for entry in entries) == ["hold", "release"]

    await eventually(settled, within_seconds=30, what="all that was held is given back")
    again = await system.post(
        org,
        "/v1/test-calls",
        {"target_type": "agent", "target_id": org.agent_id, "direction": "outbound", "consent_to_charge": True},
    )
    assert again.status_code == 201, "the slot is back"
    assert (await ended(system, org, again.json()["id"]))["status"] == "completed"
