"""A call to an agent behind a WebSocket through the whole system: spoken, recorded, measured, charged once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.caller.edges.speech.endpoint import speech_over
from services.caller.edges.speech.reached import SpeechEndpoint
from services.caller.edges.streams.sound import MULAW
from shared.events.connection import WebSocketConnection
from tests.e2e.test_calls_over_sip import a_speaking_system, ended, said_by, transcript
from tests.support.stream_agent import Session, a_stream_agent
from tests.support.stream_delays import DelayedAgent, at_once
from tests.support.system import System
from tests.support.waiting import eventually
from tests.unit.caller.endpoint import some_pools

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

GREETING = "Thank you for calling Northwind Goods, this is Ann. How can I help you?"
ANSWER = (
    "We're open Monday to Friday from 9 am to 6 pm and Saturday from 10 am to 4 pm. Thank you for calling. Goodbye."
)
DELAY_MS = 1_000


async def sounds(speech_server: str, *lines: str) -> list[bytes]:
    """What lines sound like, in µ-law."""
    pools = some_pools()
    speech = speech_over(pools, SpeechEndpoint(speech_server, "tts-1", "whisper-1"))
    try:
        return [MULAW.encode(await speech.say(line, "awb")) for line in lines]
    finally:
        await speech.aclose()
        await pools.aclose()


async def test_an_agent_behind_a_websocket_is_called_and_its_delay_is_told(
    idle_system: System, speech_server: str, tmp_path: Path
) -> None:
    greeting, answer = await sounds(speech_server, GREETING, ANSWER)
    agent_s = DelayedAgent(DELAY_MS, at_once, answer=answer, quiet_ms=900)

    async def hear(session: Session, message: dict[str, Any]) -> None:
        if message["event"] == "start":
            await session.say(greeting)
        await agent_s.hear(session, message)

    async with a_stream_agent(hear) as agent:
        system = idle_system
        await a_speaking_system(system, speech_server, tmp_path)
        org = await system.org(agent=WebSocketConnection(kind="websocket", url=agent.url, parameters={"shop": "7"}))
        asked = {
            "target_type": "agent", "target_id": org.agent_id, "direction": "outbound", "consent_to_charge": True,
            "scenario_prompt": "You want to know the opening hours on Saturday.",
        }  # fmt: skip
        posted = await system.post(org, "/v1/test-calls", asked)
        assert posted.status_code == 201, posted.text
        run = await ended(system, org, posted.json()["id"])
        await asyncio.wait_for(agent.session.closed.wait(), 30)
        start = agent.session.of("start")[0]["start"]
    assert (run["status"], run["error_message"]) == ("completed", "")
    assert start["callSid"] == f"CA{run['call_id']:032x}"
    assert start["customParameters"] == {"shop": "7"}
    assert agent.session.heard[-1]["event"] == "stop"
    assert len(agent.sessions) == 1

    turns = await transcript(system, org, run["call_id"])
    assert "northwind" in said_by("assistant", turns).lower()
    assert said_by("user", turns)
    figures = (await system.get(org, f"/v1/calls/{run['call_id']}/figures")).json()
    # How true they are is tried where a call has its cores for itself (tests/integration/streams/test_known_delays.py).
    assert figures["agent_latency_p50_ms"] >= DELAY_MS / 2
    assert figures["latency_uncertainty_ms"] > 0

    async def charged() -> bool:
        entries = (await system.get(org, f"/v1/billing/entries?run_id={run['id']}")).json()["results"]
        return [entry["kind"] for entry in entries].count("settle") == 1

    await eventually(charged, what="the call is charged once")
