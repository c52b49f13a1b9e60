"""Records as other teams write them: read in both modes, or refused with the mistake that they made."""

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from shared.events.payments import FundsDeposited
from shared.events.register import BY_EVENT
from shared.messaging.dead_letters import dead_letter
from shared.messaging.messages import Heard
from shared.messaging.reading import Ignored, Unreadable, is_for_others, read

TYPE = "platform.FundsDeposited.v1"
HEARS = {TYPE: BY_EVENT[FundsDeposited]}
DEPOSIT = {"org_id": 1, "deposit_id": "d", "amount_cents": 5}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": TYPE,
    "source": "/elsewhere",
    "id": "e1",
    "subject": "d",
    "time": "2026-11-24T12:00:00Z",
    "data": DEPOSIT,
}
STRUCTURED = ("content-type", b"application/cloudevents+json")


def record(value: object, *headers: tuple[str, bytes]) -> Any:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return SimpleNamespace(
        topic="platform-payments", partition=0, offset=7, key=b"1", value=content, headers=headers, timestamp=0
    )


def heard(*given: Any) -> Any:
    return read(record(*given), "platform-payments", HEARS)


@pytest.mark.parametrize(
    "content_type",
    [
        ("content-type", b"application/cloudevents+json"),
        ("content-type", b"application/cloudevents+json; charset=UTF-8"),
        ("Content-Type", b"Application/CloudEvents+JSON;charset=utf-8"),
    ],
)
def test_structured_mode_is_read_as_binary_mode_is(content_type: tuple[str, bytes]) -> None:
    one = heard(EVENT, content_type)
    binary = heard(DEPOSIT, ("ce_type", TYPE.encode()), ("ce_id", b"e1"), ("ce_time", b"2026-11-24T12:00:00Z"))
    assert isinstance(one, Heard)
    assert one == binary


def test_data_of_structured_mode_may_be_base64() -> None:
    encoded = base64.b64encode(json.dumps(DEPOSIT).encode()).decode()
    event = {key: value for key, value in EVENT.items() if key != "data"} | {"data_base64": encoded}
    assert heard(event, STRUCTURED).event == FundsDeposited(org_id=1, deposit_id="d", amount_cents=5)


def test_structured_events_that_nobody_here_hears_are_ignored() -> None:
    assert heard({**EVENT, "type": "com.example.thing"}, STRUCTURED) == Ignored()


BINARY = ("ce_type", TYPE.encode())


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (
            DEPOSIT,
            [("ce-type", TYPE.encode())],
            "no ce_type header, but 'ce-type': in Kafka the attributes are",
        ),
        (DEPOSIT, [("CE_TYPE", TYPE.encode())], "no ce_type header, but 'CE_TYPE'"),
        (EVENT, [("content-type", b"application/json")], "its content-type is application/cloudevents+json"),
        (DEPOSIT, [BINARY, ("ce_type", b"platform.Other.v1")], "there are several ce_type headers, and they differ"),
        (DEPOSIT, [("ce_type", b"platform.Other.v1"), BINARY], "there are several ce_type headers, and they differ"),
        (DEPOSIT, [BINARY, ("ce_specversion", b"0.3")], "ce_specversion is not 1.0"),
        (b"\x00\x00\x00\x00\x2a{}", [BINARY], "a schema registry's framing (byte 0, schema 42)"),
        (b"\xef\xbb\xbf{}", [BINARY], "the value begins with a byte order mark"),
        ("{}".encode("utf-16"), [BINARY], "the value is UTF-16"),
        (b"\x1f\x8b\x08\x00", [BINARY], "the value itself is gzip"),
        (b'{"org_id": "\xff"}', [BINARY], "the value is not UTF-8"),
        ([EVENT], [("content-type", b"application/cloudevents-batch+json")], "CloudEvents come one by one"),
        (b"x", [("content-type", b"application/cloudevents+avro")], "this is another format"),
        (b"\x00\x00\x00\x00\x01{}", [STRUCTURED], "application/cloudevents+json: the value begins with a schema"),
        (b"{", [STRUCTURED], "application/cloudevents+json: the value is not a JSON object"),
        ({**EVENT, "specversion": "0.3"}, [STRUCTURED], "specversion is not 1.0"),
        ({**EVENT, "type": 5}, [STRUCTURED], "the attribute type is missing"),
        ({"specversion": "1.0", "type": TYPE}, [STRUCTURED], "there is neither data nor data_base64"),
        ({**EVENT, "data": {**DEPOSIT, "org_id": 0}}, [STRUCTURED], "org_id: greater_than_equal (ge 1)"),
        ({**DEPOSIT, "amount_cents": 10**14}, [BINARY], "amount_cents: less_than_equal (le 10000000000000)"),
        ({**DEPOSIT, "deposit_id": "d" * 129}, [BINARY], "deposit_id: too_long (max_length 128)"),
        ({**DEPOSIT, "deposit_id": "\x00"}, [BINARY], "deposit_id: must not contain the NUL character"),
        ({**DEPOSIT, "currency": "eur"}, [BINARY], "currency: literal_error (expected 'usd')"),
    ],
)
def test_the_reason_names_the_producers_own_mistake(
    value: object, headers: list[tuple[str, bytes]], reason: str
) -> None:
    said = heard(value, *headers)
    assert isinstance(said, Unreadable)
    assert reason in said.reason


def test_of_an_unreadable_structured_event_type_and_subject_are_known() -> None:
    letter = dead_letter(record({**EVENT, "data": 5}, STRUCTURED), "platform-payments", "reason")
    assert (letter.type, letter.subject, letter.key) == (TYPE, "d", "1")


OURS = [("ce_specversion", b"1.0"), ("content-type", b"application/json")]
OTHER = ("ce_type", b"rehearsal.CallStarted.v1")
OTHERS = frozenset({OTHER[1]})


def test_a_record_for_others_is_known_at_a_glance() -> None:
    assert is_for_others(record(b"not read", *OURS, OTHER), OTHERS)
    assert not is_for_others(record(DEPOSIT, *OURS, BINARY), OTHERS)


@pytest.mark.parametrize(
    "headers",
    [
        [OTHER, BINARY],
        [OTHER, OTHER],
        [("ce_type", b"com.example.thing")],
        [("ce_type", b"rehearsal.CallStarted.v2")],
        [],
    ],
    ids=["of two types", "said twice", "unknown", "of another version", "of no type"],
)
def test_a_record_that_may_be_more_than_it_seems_is_looked_at(headers: list[tuple[str, bytes]]) -> None:
    assert not is_for_others(record(b"{", *OURS, *headers), OTHERS)


def test_a_record_for_others_that_could_not_be_read_is_looked_at() -> None:
    one = record(b"{", *OURS, OTHER)
    one.fault = "the name of header 8 is not UTF-8"
    assert not is_for_others(one, OTHERS)
    assert read(one, "test-call-executions", HEARS) == Unreadable(one.fault)


def test_other_modes_are_looked_at() -> None:
    assert not is_for_others(record(EVENT, STRUCTURED, OTHER), OTHERS)
    assert not is_for_others(
        record(DEPOSIT, ("ce_specversion", b"0.3"), ("content-type", b"application/json"), OTHER), OTHERS
    )
