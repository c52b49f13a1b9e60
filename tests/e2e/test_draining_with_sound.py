"""A caller that is told to stop while calls with sound are up: they go on to their end, over SIP and WebSockets."""

import asyncio
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from services.caller.edges.streams.sound import MULAW
from shared.events.connection import WebSocketConnection
from shared.events.directory import AgentUpserted
from tests.e2e.test_calls_over_sip import PROMPT, a_speaking_system, ended, run_over_sip, said_by, transcript
from tests.e2e.test_calls_over_websockets import ANSWER, GREETING, sounds
from tests.support.stream_agent import Session, a_stream_agent
from tests.support.stream_delays import DelayedAgent, at_once
from tests.support.stream_script import is_loud
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

STREAM_AGENT_ID = 777_000
LONGEST_SECONDS = 150.0


async def test_a_caller_that_is_told_to_stop_holds_its_calls_with_sound_to_their_end(
    idle_system: System, speech_server: str, tmp_path: Path
) -> None:
    system = idle_system
    greeting, answer = await sounds(speech_server, GREETING, ANSWER)
    answering = DelayedAgent(1_000, at_once, answer=answer, quiet_ms=900)

    async def hear(session: Session, message: dict[str, Any]) -> None:
        if message["event"] == "start":
            await session.say(greeting)
        await answering.hear(session, message)

    async with a_stream_agent(hear) as agent:
        await a_speaking_system(system, speech_server, tmp_path)
        behind_a_socket = WebSocketConnection(kind="websocket", url=agent.url, parameters={})
        org = await system.org()
        await system.platform.publish(
            [AgentUpserted(org_id=org.org_id, agent_id=STREAM_AGENT_ID, name="Ann", connection=behind_a_socket)]
        )

        async def known() -> bool:
            return bool(await system.rows("SELECT FROM api.agents WHERE agent_id = $1", STREAM_AGENT_ID))

        await eventually(known, what="the agent is known")
        over_sip = await run_over_sip(system, org)
        posted = await system.post(
            org,
            "/v1/test-calls",
            {
                "target_type": "agent", "target_id": STREAM_AGENT_ID, "direction": "outbound",
                "scenario_prompt": PROMPT, "consent_to_charge": True,
            },
        )  # fmt: skip
        assert posted.status_code == 201, posted.text
        over_a_socket = int(posted.json()["id"])

        async def both_talk() -> bool:
            runs = [(await system.get(org, f"/v1/test-calls/{one}")).json() for one in (over_sip, over_a_socket)]
            return [run["status"] for run in runs] == ["in_progress"] * 2

        await eventually(both_talk, within_seconds=60, what="both calls are up")
        going = system.processes["caller"]
        going.terminate()

        async def told() -> dict[str, Any]:
            readiness: dict[str, Any] = (await system.client.get(f"{system.ops_url('caller')}/readyz")).json()
            return readiness if "draining" in readiness else {}

        readiness = await eventually(told)
        assert readiness["draining"]["waits_for"] == "2 calls up"
        assert readiness["parts"]["media_clock"], "it ticks on"
        heard_before = len(agent.session.of("media"))
        assert await asyncio.to_thread(going.wait, LONGEST_SECONDS) == 0
        heard = agent.session.of("media")[heard_before:]
    assert any(is_loud(MULAW.decode(_payload(one))) for one in heard), "the bot went on talking after it was told"
    assert agent.session.heard[-1]["event"] == "stop"

    for run_id in (over_sip, over_a_socket):
        run = await ended(system, org, run_id)
        assert (run["status"], run["error_message"]) == ("completed", "")
        turns = await transcript(system, org, run["call_id"])
        assert said_by("user", turns)
        assert said_by("assistant", turns)
    system.start("caller", SPEECH_BASE_URL=speech_server)
    await system.ready("caller")
    await system.all_ended(org, runs=2)


def _payload(message: dict[str, Any]) -> bytes:
    return b64decode(message["media"]["payload"])
