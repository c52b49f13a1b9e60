"""Whole runs through Kamailio, as a trunk that asks for a password and stays in the way: sound goes both ways."""

from pathlib import Path

import numpy as np
import pytest

from deploy.local.sip_peers import Stack
from services.caller.edges.media.ports import Ports
from services.caller.edges.secrets import Secrets
from shared.events.connection import SipConnection
from shared.events.event import Event
from shared.events.executions import TestCallCompleted, TestCallFailed
from tests.integration.calls.exchange import HOST, an_exchange
from tests.integration.calls.runs import made
from tests.integration.calls.test_far_ends import Agent, answering
from tests.integration.calls.test_loopback import Scripted, holds_nothing
from tests.support.buzzing import Buzzing
from tests.support.kamailio import a_proxy
from tests.unit.caller.builders import a_dispatch, hangs_up

GREETING, QUESTION, GOODBYE = "Hello, how can I help?", "Are you open?", "Goodbye."
# The second is another organisation's, and right: it must not be used.
SECRETS = Secrets(environ={"AGENT_KEY_1_TRUNK": "secret", "AGENT_KEY_2_TRUNK": "secret", "AGENT_KEY_1_OLD": "guessed"})


async def run_through(
    kamailio: Stack, folder: Path, agent: Agent, reference: str, *, algorithm: str = "SHA-256"
) -> Event:
    """Make a run to an agent behind the proxy, and return what is said of its end."""
    speech = Buzzing()
    agent.says = [bytes(16_000), await speech.say(GREETING, "")]
    parties = Scripted(bot_lines=(QUESTION, hangs_up(GOODBYE)))
    async with (
        an_exchange(folder, parties, first_port=22_000, speech=speech, secrets=SECRETS) as exchange,
        answering(agent, exchange.clock, Ports(HOST, 22_400, 22_499, reuse_after_seconds=0.0)) as port,
        a_proxy(kamailio, (HOST, port), algorithm) as proxy,
    ):
        uri = f"sip:agent@{proxy[0]}:{proxy[1]}"
        connection = SipConnection(kind="sip", uri=uri, username="trunk", credentials_ref=reference)
        dispatch = a_dispatch(mode="sip")
        target = dispatch.target.model_copy(update={"connection": connection})
        end = await made(exchange, dispatch.model_copy(update={"target": target}))
        await holds_nothing(exchange)
    return end


@pytest.mark.sip
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_run_through_the_proxy_is_heard_both_ways_and_ends_when_the_agent_hangs_up(
    kamailio: Stack, tmp_path: Path, algorithm: str
) -> None:
    agent = Agent(hangs_up_after_frames=300)
    end = await run_through(kamailio, tmp_path, agent, "env:AGENT_KEY_1_TRUNK", algorithm=algorithm)
    assert isinstance(end, TestCallCompleted)
    assert end.end_reason == "agent_end"
    assert [turn.content for turn in end.transcript][:2] == [GREETING, QUESTION]
    assert np.abs(np.frombuffer(b"".join(agent.heard), "<i2").astype(int)).max() > 1_000, "the agent heard the bot"
    (invited,) = agent.invited
    assert "record-route" in invited.headers
    assert "proxy-authorization" not in invited.headers, "the proxy keeps what was for it"


@pytest.mark.sip
@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("env:AGENT_KEY_1_OLD", "The SIP trunk did not accept the credentials"),
        ("env:AGENT_KEY_2_TRUNK", "The password for the agent's SIP trunk is not known on this deployment"),
    ],
)
async def test_a_run_that_the_proxy_does_not_take_fails_and_costs_nothing(
    kamailio: Stack, tmp_path: Path, reference: str, sentence: str
) -> None:
    agent = Agent()
    end = await run_through(kamailio, tmp_path, agent, reference)
    assert isinstance(end, TestCallFailed)
    assert (end.error_message, end.started_at, end.duration_seconds) == (sentence, None, None)
    assert agent.invited == []
