"""What is said of an accepted request travels with its trace and with the agent as the directory has it."""

import pytest

from shared.events.connection import OpenAIConnection
from shared.messaging.outbox import read_headers
from tests.integration.api.builders import a_call, an_agent
from tests.integration.api.harness import CALLS, Api

pytestmark = pytest.mark.integration

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LAST = "SELECT headers FROM outbox ORDER BY id DESC LIMIT 1"
KEY = "SELECT key FROM outbox ORDER BY id DESC LIMIT 1"


async def test_a_request_is_said_under_its_organisation_and_in_its_trace(api: Api) -> None:
    org = await api.org()
    headers = {**org.authorization, "traceparent": TRACE}
    assert (await api.client.post(CALLS, json=a_call(org), headers=headers)).status_code == 201
    said = dict(read_headers(await api.value(LAST)))
    assert said["traceparent"].decode().split("-")[1] == TRACE.split("-")[1]
    assert said["ce_type"] == b"rehearsal.TestCallRequested.v1"
    assert await api.value(KEY) == str(org.org_id).encode()


async def test_how_an_agent_is_reached_is_told_as_it_was_published(api: Api) -> None:
    org = await api.org()
    connection = OpenAIConnection(
        kind="openai", base_url="https://agents.example/v1", model="m", api_key_ref="REF", system_prompt="Grüße\n👋"
    )
    await api.hear(an_agent(org).model_copy(update={"connection": connection, "voice": "alto"}))
    await api.call(org)
    (said,) = await api.said(org)
    assert said.target.connection == connection
    assert said.target.voice == "alto"
