"""CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_*` headers, JSON in the value.

Source: CloudEvents Kafka protocol binding 1.0.2 §3.2; W3C Trace Context for `traceparent`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import NamedTuple

from pydantic import ValidationError

from shared.errors import Poison
from shared.events.diagnosis import about_value
from shared.events.event import Event
from shared.events.fields import told
from shared.events.register import BY_EVENT, Registered

Headers = list[tuple[str, bytes]]
MAX_HEADER_CHARS = 1_024
MAX_FAULTS = 5
# What pydantic tells of a limit; other parts of its context may quote what was sent.
LIMITS = ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern", "expected")


class Sealed(NamedTuple):
    """An event ready for the wire, or for the outbox that leads there."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


def seal(event: Event, *, event_id: str, occurred_at: datetime, traceparent: str | None) -> Sealed:
    """Write an event as a CloudEvent under its registered topic and key."""
    registered, headers_of_all = _fixed(type(event))
    subject = getattr(event, registered.subject)
    key = getattr(event, registered.key)
    headers = [
        *headers_of_all,
        ("ce_id", event_id.encode()),
        ("ce_time", _written(occurred_at)),
        ("ce_subject", str(subject).encode()),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    # An unknown key (a dead letter whose organisation cannot be read) falls back to the subject.
    return Sealed(
        registered.topic.name,
        str(subject if key is None else key).encode(),
        event.model_dump_json().encode(),
        headers,
    )


@cache
def _fixed(event: type[Event]) -> tuple[Registered, Headers]:
    """Return what all events of a type have in common."""
    registered = BY_EVENT[event]
    return registered, [
        ("ce_specversion", b"1.0"),
        ("ce_type", registered.type.encode()),
        ("ce_source", f"/rehearsal/{registered.producer}".encode()),
        ("content-type", b"application/json"),
    ]


@lru_cache(maxsize=16)
def _written(instant: datetime) -> bytes:
    """Write an instant; what one transaction says has one."""
    return instant.astimezone(UTC).isoformat().encode()


def header(headers: Iterable[tuple[str, bytes]], name: str) -> str | None:
    """Return a header's text, None if it is missing, unreadable or longer than any honest one."""
    for key, value in headers:
        if key == name and value is not None:
            return text(value)
    return None


def text(content: bytes | None) -> str | None:
    """Return a header's content as text, None if it is missing, unreadable or longer than any honest one."""
    if content is None or len(content) > MAX_HEADER_CHARS:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def open_sealed(registered: Registered, value: bytes | None) -> Event:
    """Read an event's value. Raises Poison with the fields that are wrong, never with their contents."""
    if value is None:
        raise Poison(f"{registered.type} without a value")
    try:
        return registered.event.model_validate_json(value)
    except ValidationError as error:
        raise Poison(f"{registered.type} is not readable: {_faults(error, value)}") from None


def _faults(error: ValidationError, value: bytes) -> str:
    """Name the fields that are wrong and the limits that they break."""
    faults = []
    for one in error.errors(include_url=False, include_input=False)[:MAX_FAULTS]:
        field = ".".join(str(part) for part in one["loc"]) or "value"
        if one["type"] == "json_invalid":
            faults.append(f"{field}: {about_value(value) or one['type']}")
            continue
        if one["type"] == "value_error":  # a sentence of our own, which quotes nothing
            faults.append(f"{field}: {one['msg'].removeprefix('Value error, ')}")
            continue
        context = one.get("ctx", {})
        if (sentence := told(one["type"], context)) is not None:
            faults.append(f"{field}: {sentence}")
            continue
        limits = [f"{name} {context[name]}" for name in LIMITS if name in context]
        faults.append(f"{field}: {one['type']}" + (f" ({', '.join(limits)})" if limits else ""))
    return "; ".join(faults)
