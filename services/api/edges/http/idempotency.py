"""The idempotency key of a POST, in its header or its body, and what must be the same when the key comes again."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from services.api.domain.asking import IdempotencyKey
from services.api.edges.http import problems
from services.api.edges.http.models.forms import MAX_BODY_KEY_CHARS, ConsentingForm
from services.api.edges.http.problems import Refused

MAX_HEADER_KEY_CHARS = 255
IN_HEADER, IN_BODY = "Idempotency-Key", "idempotency_key"
_NOT_STATED = object()

# RFC 9651: a string, and parameters behind it. The draft gives no parameter a meaning, so they are ignored.
_STRING = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_BARE_ITEM = (
    rf"(?:-?[0-9]{{1,15}}(?:\.[0-9]{{1,3}})?|{_STRING}|[A-Za-z*][\w!#$%&'*+.^`|~:/-]*"
    r"|:[A-Za-z0-9+/=]*:|\?[01]|@-?[0-9]{1,15})"
)
_QUOTED = re.compile(rf"({_STRING})(?:; *[a-z*][a-z0-9_.*-]*(?:={_BARE_ITEM})?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class GivenKey:
    """A key as the client means it, and as it was spelled."""

    key: str
    spelling: str


def read_idempotency_key(headers: Sequence[str], content: dict[str, Any]) -> GivenKey | None:
    """Read the key from header or body. A header is bare or a quoted string; both are the same key. Raises Refused."""
    in_header = [_read_header(header.strip(" \t")) for header in headers]
    if None in in_header:
        raise _wrong(IN_HEADER, "Must be a well-formed quoted string (RFC 9651) or without quotes.")
    keys = {key for key in in_header if key is not None}
    if len(keys) > 1:
        raise _wrong(IN_HEADER, "Must be given once.")
    header = next(iter(keys), None)
    in_body = content.get(IN_BODY)
    if in_body is not None and not (isinstance(in_body, str) and 1 <= len(in_body) <= MAX_BODY_KEY_CHARS):
        raise _wrong(IN_BODY, f"Must be a string of 1 to {MAX_BODY_KEY_CHARS} characters.")
    if header is not None and not 1 <= len(header) <= MAX_HEADER_KEY_CHARS:
        raise _wrong(IN_HEADER, f"Must have 1 to {MAX_HEADER_KEY_CHARS} characters.")
    if header is not None and in_body is not None and header != in_body:
        raise _wrong(IN_BODY, "Differs from the Idempotency-Key header.")
    key = header if header is not None else in_body
    if key is None:
        return None
    if "\x00" in key:
        raise _wrong(IN_BODY, "Must not contain the NUL character.")
    return GivenKey(key, headers[0] if headers else key)


def fingerprinted(
    given: GivenKey, form: ConsentingForm, content: dict[str, Any], method: str, path: str
) -> IdempotencyKey:
    """Add the fingerprint: method, path and canonical JSON of what was asked, where null and defaults are left out."""
    verbatim = {name: value for name, value in content.items() if name != IN_BODY}
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in type(form).model_fields.items()
        if not field.is_required()
    }
    meant = {
        name: value
        for name, value in verbatim.items()
        if value is not None and value != defaults.get(name, _NOT_STATED)
    }
    return IdempotencyKey(given.key, _digest(method, path, meant), given.spelling, _digest(method, path, verbatim))


def _wrong(field: str, sentence: str) -> Refused:
    return Refused(problems.invalid({field: [sentence]}))


def _read_header(header: str) -> str | None:
    """Return the key, None for a quoted one that is malformed."""
    if not header.startswith('"'):
        return header
    match = _QUOTED.fullmatch(header)
    return re.sub(r"\\(.)", r"\1", match[1][1:-1]) if match else None


def _digest(method: str, path: str, content: dict[str, Any]) -> bytes:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(f"{method}\n{path}\n{canonical}".encode()).digest()
