"""What clients send, read more strictly than FastAPI does: JSON that all understand alike, and sound queries."""

import json
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json

from services.api.edges.http import problems
from services.api.edges.http.problems import Refused

MAX_QUERY_CHARS = 8_192
MAX_PARAMETERS = 100


class _Twice(Exception):  # noqa: N818 - an answer, not a fault
    """A key came twice."""


def read_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object. NaN, infinities, invalid UTF-8, halves of surrogate pairs and abysmal nesting are no JSON.

    Nor is an object with a key twice, at any depth: readers differ in which of the two they take. Raises Refused.
    """
    try:
        content = from_json(body, allow_inf_nan=False)
        _FINDS_TWINS.decode(body.decode())  # pydantic's reader is the stricter one, but takes the last of two
    except ValueError:
        raise Refused(problems.malformed("The body is not well-formed JSON.")) from None
    except _Twice:
        raise Refused(problems.malformed("An object of the body has a key twice.")) from None
    if not isinstance(content, dict):
        raise Refused(problems.malformed("The body must be a JSON object."))
    return content


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Twice


_FINDS_TWINS = json.JSONDecoder(object_pairs_hook=_once)


def read_query(query: bytes) -> list[tuple[str, str]]:
    """Take a query string apart. Raises Refused."""
    try:
        pairs = parse_qsl(
            query.decode("latin-1")[: MAX_QUERY_CHARS + 1],
            keep_blank_values=True,
            max_num_fields=MAX_PARAMETERS,
            errors="strict",
        )
    except (ValueError, UnicodeDecodeError):
        raise Refused(problems.invalid({"query": ["Is not a well-formed query string."]})) from None
    if len(query) > MAX_QUERY_CHARS:
        raise Refused(problems.invalid({"query": [f"Must have at most {MAX_QUERY_CHARS} characters."]}))
    return pairs
