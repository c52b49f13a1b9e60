"""Sentences for the team whose record could not be read: which mistake it looks like. They never quote contents."""

from collections.abc import Sequence

FRAMING_BYTES = 5
LOOKED_AT_BYTES = 4_096
UTF8_MARK, UTF16_MARKS, GZIP_MARK = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff"), b"\x1f\x8b"


def about_value(value: bytes | None) -> str | None:
    """Say what is wrong with a value that is no JSON, None if nothing better than that is known."""
    if value is None:
        return "there is no value"
    if value[:1] == b"\x00" and len(value) > FRAMING_BYTES:
        number = int.from_bytes(value[1:FRAMING_BYTES], "big")
        return f"the value begins with a schema registry's framing (byte 0, schema {number}); plain JSON is read here"
    if value.startswith(UTF8_MARK):
        return "the value begins with a byte order mark; JSON has none"
    if value.startswith(UTF16_MARKS):
        return "the value is UTF-16; JSON is UTF-8"
    if value.startswith(GZIP_MARK):
        return "the value itself is gzip; let the producer compress its batches"
    try:
        value.decode()
    except UnicodeDecodeError:
        return "the value is not UTF-8"
    return None


def about_headers(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> str:
    """Say what is wrong with headers that hold no readable ce_type."""
    for name, _ in headers:
        if name != "ce_type" and name.lower().replace("-", "_") == "ce_type":
            return f"no ce_type header, but {name!a}: in Kafka the attributes are spelled ce_type, ce_id, ce_source"
    if any(name == "ce_type" for name, _ in headers):
        return "no readable ce_type header"
    if value is not None and b'"specversion"' in value[:LOOKED_AT_BYTES]:
        return "no ce_type header; if the value is the whole event, its content-type is application/cloudevents+json"
    return "no readable ce_type header"
