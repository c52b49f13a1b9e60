"""The attributes and the data of a CloudEvent, in either of the two modes in which Kafka carries one.

Binary mode has the attributes in `ce_*` headers; structured mode has all of it in a JSON value, and says so in its
content type. Source: CloudEvents Kafka protocol binding 1.0.2 §3; JSON event format 1.0.2 §3.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from shared.events.diagnosis import about_headers, about_value
from shared.events.envelope import MAX_HEADER_CHARS, header, text

STRUCTURED = "application/cloudevents+json"
ANY_STRUCTURED = b"application/cloudevents"
PLAIN = b"application/json"
SPECVERSION = "1.0"
VERSION = SPECVERSION.encode()
DIFFERENT_TYPES = "there are several ce_type headers, and they differ"


class Attributes(NamedTuple):
    """What is known of an event before its data are looked at. `fault` says why they cannot be, to their producer."""

    type: str | None
    subject: str | None
    id: str | None
    time: str | None
    traceparent: str | None
    data: bytes | None
    fault: str | None = None


def attributes_of(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> Attributes:
    """Read the attributes: of a faulty event what can be told of it, for whoever waits goes by type and subject."""
    given = plainly(headers)
    type_ = text(given.get("ce_type"))
    return _told(type_, given, value, None) if type_ is not None else _of_others(headers, value)


def plainly(headers: Sequence[tuple[str, bytes]]) -> Mapping[str, bytes | None]:
    """Return the headers of an event that is written as our own services do; of any other none."""
    given: dict[str, bytes | None] = dict(headers)
    if len(given) == len(headers) and given.get("content-type") == PLAIN and given.get("ce_specversion") == VERSION:
        return given
    return {}


def _of_others(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> Attributes:
    """Read what is not written as our own services do: other modes, other spellings, headers that come twice."""
    first: dict[str, bytes | None] = {}
    types = set()
    for name, content in headers:
        if name == "ce_type":
            types.add(content)
        first.setdefault(name, content)
    media_type = first.get("content-type") or _in_other_case(headers)
    if media_type is not None and media_type != PLAIN:
        media_type = media_type.partition(b";")[0].strip().lower()
        if media_type == STRUCTURED.encode():
            return _structured(headers, value)
    type_ = text(first["ce_type"]) if types else None
    fault = None
    if media_type is not None and media_type.startswith(ANY_STRUCTURED):
        fault = "CloudEvents come one by one, in binary mode or as application/cloudevents+json; this is another format"
    elif type_ is None:
        fault = about_headers(headers, value)
    elif len(types) > 1:
        fault = DIFFERENT_TYPES
    elif first.get("ce_specversion", VERSION) != VERSION:
        fault = f"ce_specversion is not {SPECVERSION}"
    return _told(type_, first, value, fault)


def _told(type_: str | None, given: Mapping[str, bytes | None], value: bytes | None, fault: str | None) -> Attributes:
    subject, id_, time = text(given.get("ce_subject")), text(given.get("ce_id")), text(given.get("ce_time"))
    return Attributes(type_, subject, id_, time, text(given.get("traceparent")), value, fault)


def _in_other_case(headers: Sequence[tuple[str, bytes]]) -> bytes | None:
    return next((content for name, content in headers if name.lower() == "content-type"), None)


def _structured(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> Attributes:
    event: Any = None
    with suppress(ValueError, RecursionError):
        event = json.loads(value.decode()) if value is not None else None
    if not isinstance(event, dict):
        # The headers may repeat the attributes; of a value that cannot be read they are all there is.
        told = {name: header(headers, f"ce_{name}") for name in ("type", "subject", "id", "time")}
        wrong = about_value(value) or "the value is not a JSON object"
        traceparent = header(headers, "traceparent")
        return Attributes(**told, traceparent=traceparent, data=None, fault=f"{STRUCTURED}: {wrong}")
    data, fault = _data(event), None
    if _text(event, "type") is None:
        fault = "the attribute type is missing"
    elif event.get("specversion") != SPECVERSION:
        fault = f"specversion is not {SPECVERSION}"
    elif data is None:
        fault = "there is neither data nor data_base64 that is base64"
    told = {name: _text(event, name) for name in ("type", "subject", "id", "time")}
    traceparent = _text(event, "traceparent") or header(headers, "traceparent")
    return Attributes(**told, traceparent=traceparent, data=data, fault=f"{STRUCTURED}: {fault}" if fault else None)


def _text(event: dict[str, Any], name: str) -> str | None:
    content = event.get(name)
    if not isinstance(content, str) or not content or len(content) > MAX_HEADER_CHARS:
        return None
    try:
        content.encode()
    except UnicodeEncodeError:
        return None  # half of a surrogate pair
    return content


def _data(event: dict[str, Any]) -> bytes | None:
    if "data" in event:
        return json.dumps(event["data"]).encode()
    try:
        return base64.b64decode(event["data_base64"], validate=True)
    except (KeyError, binascii.Error, TypeError, ValueError):
        return None
