"""Reads query strings strictly: a wrong value is a 400 that names its parameter, never a silent default."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from shared.events.fields import MAX_ID

MAX_QUERY_CHARS = 8_192
MAX_PARAMETERS = 100
MAX_VALUE_CHARS = 300
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_OFFSET = 10_000

Reader = Callable[[str], Any]


class WrongQuery(Exception):  # noqa: N818 - an answer, not a fault
    """A parameter that cannot be read; `fields` is the body of the 400."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        super().__init__("wrong query")
        self.fields = fields


def integer(low: int, high: int = MAX_ID) -> Reader:
    """Read an integer between two bounds, both allowed."""

    def read(value: str) -> int:
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("Must be an integer.")
        if len(digits) > 16 or not low <= int(value) <= high:
            raise ValueError(f"Must be between {low} and {high}.")
        return int(value)

    return read


def one_of(*allowed: str) -> Reader:
    """Read one value of an enumeration."""

    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"Must be one of: {', '.join(allowed)}.")
        return value

    return read


def text(value: str) -> str:
    """Read a text that is compared exactly."""
    if not value or "\x00" in value or len(value) > MAX_VALUE_CHARS:
        raise ValueError(f"Must be a text of 1 to {MAX_VALUE_CHARS} characters.")
    return value


def number(value: str) -> str:
    """Read a phone number. A `+` that the client did not escape arrives as a space."""
    return text("+" + value[1:] if value.startswith(" ") else value)


def boolean(value: str) -> bool:
    """Read `true` or `false`."""
    if value not in ("true", "false"):
        raise ValueError("Must be true or false.")
    return value == "true"


def from_instant(value: str) -> datetime:
    """Read a date (its beginning) or a timestamp; without an offset it is UTC."""
    return _instant(value)[0]


def until_instant(value: str) -> datetime:
    """Read a date (its whole day is included) or a timestamp (included, with the microseconds that answers cut)."""
    at, is_date = _instant(value)
    return at + (timedelta(days=1) - timedelta(microseconds=1) if is_date else timedelta(microseconds=999))


def _instant(value: str) -> tuple[datetime, bool]:
    is_date = len(value) == len("2026-01-31")
    try:
        # A `+` of an offset that the client did not escape arrives as a space.
        at = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        at + timedelta(days=1)  # room for the end of the day
    except (ValueError, OverflowError):
        raise ValueError("Must be a date (2026-01-31) or an ISO 8601 timestamp.") from None
    return at, is_date


def offset(value: str) -> int:
    """Read an offset. Rows are walked to get there: deeper ones have a cursor."""
    read: int = integer(0)(value)
    if read > MAX_OFFSET:
        raise ValueError(f'Must be at most {MAX_OFFSET}. Deeper rows are reached by the cursor of Link: rel="next".')
    return read


PAGE: dict[str, Reader] = {"limit": integer(1, MAX_LIMIT), "offset": offset, "cursor": text}


def read_query(query: bytes, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Return every known parameter (None where it was not given; the last one where it came twice).

    Unknown parameters are ignored. Raises WrongQuery with a sentence for each wrong one.
    """
    try:
        pairs = parse_qsl(
            query.decode("latin-1")[: MAX_QUERY_CHARS + 1],
            keep_blank_values=True,
            max_num_fields=MAX_PARAMETERS,
            errors="strict",
        )
    except (ValueError, UnicodeDecodeError):
        raise WrongQuery({"query": ["Is not a well-formed query string."]}) from None
    if len(query) > MAX_QUERY_CHARS:
        raise WrongQuery({"query": [f"Must have at most {MAX_QUERY_CHARS} characters."]})
    given = dict(pairs)
    values: dict[str, Any] = dict.fromkeys(readers)
    wrong: dict[str, list[str]] = {}
    for name, read in readers.items():
        if name in given:
            try:
                values[name] = read(given[name])
            except ValueError as error:
                wrong[name] = [str(error)]
    if wrong:
        raise WrongQuery(wrong)
    if "limit" in readers and values["limit"] is None:
        values["limit"] = DEFAULT_LIMIT
    if "offset" in readers and values["offset"] is None:
        values["offset"] = 0
    return values
