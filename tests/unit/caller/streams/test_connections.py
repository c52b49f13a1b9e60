"""Agents as their connections say: the secret that is named, and nobody else's."""

import asyncio

import pytest

from services.caller.domain.media import MediaLeg, Telling
from services.caller.domain.turn import PartyError
from services.caller.edges.secrets import Secrets
from services.caller.edges.streams import agents as agents_module
from services.caller.edges.streams.agents import StreamAgents
from services.caller.edges.streams.failures import NotOpened
from shared.events.connection import RealtimeConnection, WebSocketConnection
from tests.support.stream_agent import a_stream_agent
from tests.support.stream_realtime import a_realtime_server
from tests.unit.caller.endpoint import a_server
from tests.unit.caller.streams.calls import CALL, ORG, some_streams, tasks_of_streams

ENVIRON = {"AGENT_KEY_7_OWN": "Bearer own", "AGENT_KEY_8_OTHER": "Bearer other"}


def agents() -> StreamAgents:
    return StreamAgents(some_streams(), Secrets(environ=ENVIRON))


def a_websocket(url: str, reference: str | None) -> WebSocketConnection:
    return WebSocketConnection(
        kind="websocket", url=url, auth_header="X-Key", auth_ref=reference, parameters={"tone": "kind"}
    )


async def test_an_agent_behind_a_stream_gets_its_secret_and_its_parameters() -> None:
    async with a_stream_agent() as agent:
        connection = a_websocket(agent.url, "env:AGENT_KEY_7_OWN")
        leg: MediaLeg
        leg = called = await agents().call(connection, org_id=ORG, call_id=CALL, greets=True)
        assert not isinstance(leg, Telling)
        await called.hang_up()
        request = agent.session.connection.request
    assert request is not None
    assert request.headers["X-Key"] == "Bearer own"
    assert agent.session.of("start")[0]["start"]["customParameters"] == {"tone": "kind"}


async def test_a_model_gets_its_key_and_greets_where_it_answers() -> None:
    async with a_realtime_server() as server:
        connection = RealtimeConnection(
            kind="realtime", base_url=server.base_url, model="m", api_key_ref="env:AGENT_KEY_7_OWN"
        )
        leg: MediaLeg
        leg = called = await agents().call(connection, org_id=ORG, call_id=CALL, greets=True)
        assert isinstance(leg, Telling)
        await called.hang_up()
        request = server.session.connection.request
    assert request is not None
    assert request.headers["Authorization"] == "Bearer Bearer own"


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::ffff:169.254.169.254]", "localhost"])
@pytest.mark.parametrize("kind", ["websocket", "realtime"])
async def test_no_kind_of_stream_leads_inside(kind: str, host: str) -> None:
    connection: WebSocketConnection | RealtimeConnection
    if kind == "websocket":
        connection = a_websocket(f"ws://{host}:9/", "env:AGENT_KEY_7_OWN")
    else:
        connection = RealtimeConnection(kind="realtime", base_url=f"http://{host}:9/v1", model="m", api_key_ref=None)
    streams = StreamAgents(some_streams(""), Secrets(environ=ENVIRON))
    with pytest.raises(NotOpened) as refused:
        await streams.call(connection, org_id=ORG, call_id=CALL, greets=True)
    assert refused.value.kind == "not_allowed"


async def test_ringing_is_bounded_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_module, "RING_LIMIT_SECONDS", 0.2)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    async with a_server(hang) as url:
        connection = a_websocket(url.replace("http", "ws"), None)
        with pytest.raises(NotOpened, match=r"did not answer in time: 0\.2 s"):
            await agents().call(connection, org_id=ORG, call_id=CALL, greets=True)
    assert tasks_of_streams() == []


async def test_another_organisation_s_secret_is_not_sent() -> None:
    async with a_stream_agent() as agent:
        with pytest.raises(PartyError, match="not known on this deployment"):
            await agents().call(a_websocket(agent.url, "env:AGENT_KEY_8_OTHER"), org_id=ORG, call_id=CALL, greets=True)
    assert agent.sessions == []
