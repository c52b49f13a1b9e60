"""Cursors: a place in one organisation's list with its filters, as text that nobody needs to understand."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from services.api.domain.pages import Key
from shared.events.fields import MAX_ID

BOUND_CHARS = 12


class WrongCursor(ValueError):  # noqa: N818 - an answer, not a fault
    """Not a cursor of this list with these filters."""


def bound_to(org_id: int, path: str, filters: Mapping[str, Any]) -> str:
    """Return what a cursor is bound to."""
    given = sorted((name, str(value)) for name, value in filters.items() if value is not None)
    return sha256(json.dumps([org_id, path, given]).encode()).hexdigest()[:BOUND_CHARS]


def write_cursor(bound: str, key: Key, *, backwards: bool) -> str:
    """Return the cursor of the page next to a key."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return _encoded(json.dumps([bound, backwards, *parts], separators=(",", ":")).encode())


def read_cursor(cursor: str, bound: str, key_types: Sequence[type]) -> tuple[Key, bool]:
    """Return key and direction. Raises WrongCursor."""
    try:
        written = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        read = json.loads(written)
        if _encoded(written) != cursor or read[0] != bound or len(read) != len(key_types) + 2:
            raise WrongCursor
        key = tuple(_part(part, type_) for part, type_ in zip(read[2:], key_types, strict=True))
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        raise WrongCursor from None
    return key, read[1] is True


def _encoded(written: bytes) -> str:
    return urlsafe_b64encode(written).decode().rstrip("=")


def _part(part: Any, type_: type) -> Any:
    if type_ is datetime:
        at = datetime.fromisoformat(part)
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    if type(part) is not int or not 0 <= part <= MAX_ID:
        raise WrongCursor
    return part
