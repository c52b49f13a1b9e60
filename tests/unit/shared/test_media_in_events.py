"""What events say of calls with sound: addresses by a strict grammar, bounded conditions, and records of before."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.events.admissions import TestCallDispatched
from shared.events.conditions import Conditions
from shared.events.connection import Connection, SipUri
from shared.events.envelope import open_sealed
from shared.events.executions import SecondLeg, TestCallCompleted
from shared.events.recording import Recording
from shared.events.register import BY_EVENT
from shared.events.requests import TestCallRequested
from tests.support.some_events import completed, requested

URI: TypeAdapter[str] = TypeAdapter(SipUri)
CONNECTION: TypeAdapter[Any] = TypeAdapter(Connection)


@pytest.mark.parametrize(
    "uri",
    [
        "sip:agent@example.com",
        "sip:+15555550100@10.0.0.1:5060",
        "sip:agent%20one@sip.example.com;transport=udp",
        "sip:a@[2001:db8::1]:5062;transport=udp",
        "sip:a@h:65535",
    ],
)
def test_a_sip_address_is_taken(uri: str) -> None:
    assert URI.validate_python(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "sip:example.com",
        "sips:a@example.com",
        "tel:+15555550100",
        "SIP:a@example.com",
        "sip:a:secret@example.com",
        "sip:a@example.com?Replaces=x",
        "sip:a@example.com;transport=tcp",
        "sip:a@example.com;maddr=10.0.0.1",
        "sip:a@example.com;transport=udp;lr",
        "sip:a@example.com:0",
        "sip:a@example.com:65536",
        "sip:a@[::1]:99999",
        "sip:a@exa mple.com",
        "sip:a@example.com\r\nVia: x",
        "sip:a@example.com\n",
        "sip:a@b@example.com",
        "sip:%zz@example.com",
        "sip:" + "a" * 65 + "@example.com",
        "sip:a@" + "h" * 300,
        "<sip:a@example.com>",
    ],
)
def test_what_is_no_plain_sip_address_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError):
        URI.validate_python(uri)


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "sip", "uri": "sip:a@example.com", "username": "a", "credentials_ref": "env:AGENT_KEY_7_SIP"},
        {"kind": "websocket", "url": "wss://agents.example.com/stream", "parameters": {"tenant": "7"}},
        {"kind": "realtime", "base_url": "https://api.openai.com/v1", "model": "gpt-realtime", "voice": "marin"},
    ],
)
def test_the_three_connections_with_sound_are_read(written: dict[str, Any]) -> None:
    read = CONNECTION.validate_json(json.dumps(written))
    assert CONNECTION.validate_json(CONNECTION.dump_json(read)) == read
    assert read.model_dump(exclude_unset=True) == written


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "sip", "uri": "sip:a@example.com", "transport": "tcp"},
        {"kind": "websocket", "url": "https://agents.example.com/stream"},
        {"kind": "websocket", "url": "wss://a.example.com", "auth_header": "X-Key: 1\r\nHost"},
        {"kind": "websocket", "url": "wss://a.example.com", "parameters": {str(n): "" for n in range(21)}},
        {"kind": "realtime", "base_url": "ftp://api.openai.com", "model": "m"},
        {"kind": "carrier_pigeon"},
    ],
)
def test_a_connection_that_cannot_be_dialled_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONNECTION.validate_json(json.dumps(written))


@pytest.mark.parametrize(
    "written",
    [
        {"loss_percent": 50.1},
        {"loss_percent": -1},
        {"loss_burst_packets": 0},
        {"jitter_ms": True},
        {"delay_ms": 2_001},
        {"seed": -1},
        {"one_way": "both"},
        {"sip_answer": {"answer": "200"}},
        {"noise": {"kind": "white"}},
        {"noise": {"kind": "white", "snr_db": "15"}},
        {"dtmf": [{"digits": "12a"}]},
        {"dtmf": [{"digits": "1"}] * 11},
        {"silence": {"from_ms": 0, "for_ms": 0}},
        {"interrupt": {"after_ms": 1}},
    ],
)
def test_conditions_are_bounded(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Conditions.model_validate_json(json.dumps(written))


def test_a_loss_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValidationError):
        Conditions.model_validate_json('{"loss_percent": NaN}')


@pytest.mark.parametrize(
    "name", ["../7/secret.wav", "7/../8.wav", "/7/a.wav", "7//a.wav", "7/.hidden", "7/a.wav\n", "", "a?b", "ä.wav"]
)
def test_a_recording_never_lies_outside_of_its_store(name: str) -> None:
    with pytest.raises(ValidationError):
        Recording(mode="recording", name=name)


def _without(event: Any, *names: str) -> bytes:
    written = json.loads(event.model_dump_json())
    for name in names:
        del written[name]
    return json.dumps(written).encode()


def test_records_of_before_are_read_as_calls_without_sound() -> None:
    request = requested(1)
    old = json.loads(_without(request, "conditions", "recording"))
    del old["target"]["sip_uri"]
    assert open_sealed(BY_EVENT[TestCallRequested], json.dumps(old).encode()) == request
    end = completed(1)
    old = json.loads(_without(end, "answered_at", "recording", "second_leg"))
    old["figures"] = {name: old["figures"][name] for name in OLD_FIGURES}
    assert open_sealed(BY_EVENT[TestCallCompleted], json.dumps(old).encode()) == end


OLD_FIGURES = ("agent_turns", "bot_turns", "agent_latency_p50_ms", "agent_latency_max_ms", "agent_talk_ratio")


def test_what_a_run_asked_for_and_what_a_second_leg_was_travel_unchanged() -> None:
    request = requested(1)
    dispatch = TestCallDispatched(
        run_id=1,
        org_id=1,
        request_id=1,
        batch_id=None,
        prompt="",
        direction="outbound",
        mode="sip",
        target=request.target.model_copy(update={"sip_uri": "sip:a@example.com"}),
        held_minutes=1,
        start_before=request.requested_at,
        conditions=Conditions.model_validate_json(
            '{"loss_percent": 10, "dtmf": [{"digits": "12#", "after_turn": 1}], "noise": {"snr_db": 15}}'
        ),
        recording=True,
    )
    assert open_sealed(BY_EVENT[TestCallDispatched], dispatch.model_dump_json().encode()) == dispatch
    leg = SecondLeg(sip_call_id="a84b4c76e66710@pc33.example.com", recording=Recording(mode="disabled_by_config"))
    end = completed(1).model_copy(update={"second_leg": leg})
    assert open_sealed(BY_EVENT[TestCallCompleted], end.model_dump_json().encode()) == end
