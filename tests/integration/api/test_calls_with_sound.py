"""Which calls can be made with sound, what may be asked of them, and that it travels to whoever makes the call."""

from typing import Any

import pytest

from services.api.edges.http.refusals import NO_WAY
from shared.events.conditions import Conditions
from shared.events.connection import (
    BuiltinConnection,
    Connection,
    OpenAIConnection,
    RealtimeConnection,
    SipConnection,
    WebSocketConnection,
)
from tests.integration.api.builders import Org, a_number, an_agent
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_invalid

pytestmark = pytest.mark.integration

URI = "sip:desk@pbx.example.com:5062"
BUILTIN = BuiltinConnection()
OPENAI = OpenAIConnection(kind="openai", base_url="https://agents.example.com/v1", model="m")
SIP = SipConnection(kind="sip", uri="sip:ann@pbx.example.com")
STREAM = WebSocketConnection(kind="websocket", url="wss://agents.example.com/stream", parameters={})
REALTIME = RealtimeConnection(kind="realtime", base_url="https://api.openai.com/v1", model="gpt-realtime")
LOSS, NOISE = {"loss_percent": 10}, {"noise": {"kind": "white", "snr_db": 15}}
BUSY, DIGITS = {"sip_answer": {"answer": "486"}}, {"dtmf": [{"digits": "1#"}]}


async def an_org_with(api: Api, connection: Connection, sip_uri: str | None = None) -> Org:
    """An organisation whose agent has this connection, and a number that the agent answers."""
    org = await api.org(max_concurrent_runs=100)
    await api.hear(an_agent(org, connection=connection))
    await api.hear(a_number(org, inbound=org.agent_id, outbound=org.agent_id, sip_uri=sip_uri))
    return org


def of_number(org: Org) -> dict[str, Any]:
    return {"target_type": "phone_number", "target_id": org.org_id + 500}


@pytest.mark.parametrize(
    ("connection", "mode", "direction", "is_taken"),
    [
        (BUILTIN, "bot", "outbound", True),
        (BUILTIN, "sip", "outbound", True),
        (BUILTIN, "sip", "inbound", True),
        (OPENAI, "sip", "outbound", False),
        (OPENAI, "sip", "inbound", False),
        (SIP, "bot", "outbound", False),
        (SIP, "sip", "outbound", True),
        (SIP, "sip", "inbound", False),
        (STREAM, "bot", "outbound", True),
        (STREAM, "bot", "inbound", True),
        (STREAM, "sip", "outbound", False),
        (REALTIME, "bot", "outbound", True),
        (REALTIME, "sip", "outbound", False),
    ],
)
async def test_an_agent_is_called_in_the_modes_that_reach_it(
    sip_api: Api, connection: Connection, mode: str, direction: str, is_taken: bool
) -> None:
    org = await an_org_with(sip_api, connection)
    answer = await sip_api.call(org, mode=mode, direction=direction)
    if is_taken:
        assert (answer.status_code, answer.json()["mode"]) == (201, mode)
        (said,) = await sip_api.said(org)
        assert (said.mode, said.target.connection, said.target.sip_uri) == (mode, connection, None)
    else:
        assert answer.status_code == 400
        field = "direction" if (mode, direction) == ("sip", "inbound") else "mode"
        assert_invalid(answer, field)
        assert answer.json()[field][0] in {sentence.format(kind=connection.kind) for sentence in NO_WAY.values()}
        assert await sip_api.said(org) == []


async def test_a_number_with_an_address_of_its_own_is_reached_whatever_its_agent_is(sip_api: Api) -> None:
    org = await an_org_with(sip_api, OPENAI, URI)
    assert (await sip_api.call(org, mode="sip", **of_number(org))).status_code == 201
    (said,) = await sip_api.said(org)
    assert said.target.sip_uri == URI
    assert_invalid(await sip_api.call(org, mode="sip"), "mode")
    await sip_api.hear(a_number(org, inbound=org.agent_id))
    assert_invalid(await sip_api.call(org, mode="sip", **of_number(org)), "mode")


async def test_a_deployment_without_sip_says_so_whatever_the_agent_is(api: Api) -> None:
    org = await an_org_with(api, SIP, URI)
    for target in ({}, of_number(org)):
        answer = await api.call(org, mode="sip", **target)
        assert answer.json() == {"mode": ["not available on this deployment"], "code": "validation_error"}


@pytest.mark.parametrize(
    ("connection", "asked", "conditions", "field"),
    [
        (BUILTIN, {"mode": "sip"}, {**LOSS, **NOISE, **BUSY, **DIGITS, "seed": 7}, None),
        (BUILTIN, {"mode": "sip", "direction": "inbound"}, BUSY, None),
        (SIP, {"mode": "sip"}, {**LOSS, **NOISE, **DIGITS}, None),
        (SIP, {"mode": "sip"}, BUSY, "sip_answer"),
        (STREAM, {}, {**NOISE, **DIGITS, "silence": {"for_ms": 5_000}, "interrupt": {"after_ms": 700}}, None),
        (STREAM, {}, LOSS, "loss_percent"),
        (STREAM, {}, {"loss_percent": 0}, None),
        (STREAM, {}, BUSY, "sip_answer"),
        (REALTIME, {}, NOISE, None),
        (REALTIME, {}, DIGITS, "dtmf"),
        (BUILTIN, {}, NOISE, "noise"),
        (OPENAI, {}, {"interrupt": {"after_ms": 700}}, "interrupt"),
        (OPENAI, {}, {}, None),
    ],
)
async def test_conditions_that_make_no_sense_for_the_call_are_refused(
    sip_api: Api, connection: Connection, asked: dict[str, Any], conditions: dict[str, Any], field: str | None
) -> None:
    org = await an_org_with(sip_api, connection)
    for answer in (
        await sip_api.call(org, conditions=conditions, **asked),
        await sip_api.batch(org, 2, conditions=conditions, **asked),
    ):
        if field is None:
            assert answer.status_code == 201, answer.text
            assert answer.json()["conditions"] == Conditions.model_validate(conditions).model_dump(mode="json")
        else:
            assert_invalid(answer, "conditions")
            assert answer.json()["conditions"][0].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("conditions", "sentence"),
    [
        ({"loss_percent": 51}, "loss_percent: Must be at most 50.0."),
        ({"loss_percent": True}, "loss_percent: Must be a number."),
        ({"jitter_ms": 1.5}, "jitter_ms: Must be an integer."),
        ({"one_way": "sideways"}, "one_way: Must be one of: 'to_agent' or 'from_agent'."),
        ({"noise": {"snr_db": 99}}, "noise.snr_db: Must be at most 60.0."),
        ({"noise": {}}, "noise.snr_db: This field is required."),
        ({"noise": 15}, "noise: Must be an object."),
        ({"sip_answer": {"answer": "200"}}, "sip_answer.answer: Must be one of: '486', '503' or 'late_200'."),
        ({"dtmf": [{"digits": "12"}, {"digits": "x"}]}, "dtmf.1.digits: Is not valid."),
        ({"dtmf": "12"}, "dtmf: Must be an array."),
        ({"silence": {"for_ms": 0}}, "silence.for_ms: Must be at least 1."),
        ("lossy", "Must be an object."),
    ],
)
async def test_a_wrong_condition_is_named(sip_api: Api, conditions: Any, sentence: str) -> None:
    org = await sip_api.org()
    async with sip_api.storing_nothing():
        answer = await sip_api.call(org, mode="sip", conditions=conditions)
    assert answer.json() == {"conditions": [sentence], "code": "validation_error"}


async def test_what_was_asked_for_travels_and_is_shown(sip_api: Api) -> None:
    org = await sip_api.org()
    conditions = {**LOSS, "seed": 3, "one_way": None, "not_known": 1}
    story = await sip_api.accepted_batch(org, 2, mode="sip", conditions=conditions, recording=False)
    request = story.request
    assert request.conditions is not None
    assert (request.conditions.loss_percent, request.conditions.seed, request.recording) == (10.0, 3, False)
    for seen in (await sip_api.seen_batch(org, story.batch_id), await sip_api.run(org, story.run_id)):
        assert (seen["recording"], seen["mode"]) == (False, "sip")
        assert seen["conditions"] == request.conditions.model_dump(mode="json")


@pytest.mark.parametrize(
    ("connection", "mode", "asked", "recorded"),
    [
        (BUILTIN, "sip", {}, True),
        (STREAM, "bot", {}, True),
        (BUILTIN, "bot", {}, False),
        (BUILTIN, "bot", {"recording": None}, False),
        (OPENAI, "bot", {"recording": True}, True),
        (STREAM, "bot", {"recording": False}, False),
    ],
)
async def test_calls_with_sound_are_recorded_unless_somebody_says_otherwise(
    sip_api: Api, connection: Connection, mode: str, asked: dict[str, Any], recorded: bool
) -> None:
    org = await an_org_with(sip_api, connection)
    answer = await sip_api.call(org, mode=mode, **asked)
    assert answer.json()["recording"] is recorded
    (said,) = await sip_api.said(org)
    assert said.recording is recorded


@pytest.mark.parametrize("recording", [1, "true", 0.0, []])
async def test_a_flag_is_true_or_false(sip_api: Api, recording: Any) -> None:
    answer = await sip_api.call(await sip_api.org(), recording=recording)
    assert answer.json() == {"recording": ["Must be true or false."], "code": "validation_error"}
