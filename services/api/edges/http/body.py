"""Reads request bodies: strict JSON in, a form or the contract's errors out."""

import json
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.responses import Response

from services.api.edges.http import answers
from services.api.edges.http.forms import NOT_AVAILABLE, AskingForm

MAX_ERRORS = 20

Form = TypeVar("Form", bound=AskingForm)

_SENTENCES = {
    "missing": "This field is required.",
    "int_type": "Must be an integer.",
    "int_from_float": "Must be an integer.",
    "int_parsing_size": "Must be an integer of at most 53 bits.",
    "string_type": "Must be a string.",
    "list_type": "Must be an array.",
    "dict_type": "Must be an object.",
    "string_pattern_mismatch": "Must be a phone number in E.164 form, such as +15551230000.",
}


class _Twice(Exception):  # noqa: N818 - an answer, not a fault
    """A key came twice."""


def read_json(body: bytes) -> dict[str, Any] | Response:
    """Read a JSON object. NaN, infinities, invalid UTF-8, halves of surrogate pairs and abysmal nesting are no JSON.

    Nor is an object with a key twice, at any depth: readers differ in which of the two they take.
    """
    try:
        content = from_json(body, allow_inf_nan=False)
        _FINDS_TWINS.decode(body.decode())  # pydantic's reader is the stricter one, but takes the last of two
    except ValueError:
        return answers.malformed("The body is not well-formed JSON.")
    except _Twice:
        return answers.malformed("An object of the body has a key twice.")
    if not isinstance(content, dict):
        return answers.malformed("The body must be a JSON object.")
    return content


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Twice


def read_form(form: type[Form], content: dict[str, Any]) -> Form | Response:
    """Read a form from an object: shape first, then consent. A null stands for an omitted optional field."""
    given = {key: value for key, value in content.items() if value is not None}
    try:
        read = form.model_validate(given)
    except ValidationError as error:
        return answers.invalid(_sentences(error))
    if faults := read.faults():
        return answers.invalid(faults)
    if given.get("consent_to_charge") is not True:
        return answers.consent_required()
    return read


_FINDS_TWINS = json.JSONDecoder(object_pairs_hook=_once)


def _sentences(error: ValidationError) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for one in error.errors(include_url=False, include_input=False)[:MAX_ERRORS]:
        path = one["loc"]
        field = str(path[0]) if path else "body"
        sentence = _sentence(one["type"], one.get("ctx", {}), one["msg"])
        if len(path) > 1 and isinstance(path[1], int):
            sentence = f"Item {path[1]}: {sentence}"
        fields.setdefault(field, []).append(sentence)
    return fields


def _sentence(kind: str, context: dict[str, Any], message: str) -> str:
    match kind:
        case "literal_error":
            return f"Must be one of: {context['expected']}."
        case "greater_than_equal":
            return f"Must be at least {context['ge']}."
        case "less_than_equal":
            return f"Must be at most {context['le']}."
        case "string_too_long":
            return f"Must have at most {context['max_length']} characters."
        case "string_too_short":
            return f"Must have at least {context['min_length']} characters."
        case "too_long":
            return f"Must have at most {context['max_length']} items."
        case "value_error":
            said = message.removeprefix("Value error, ")
            return said if said == NOT_AVAILABLE else f"{said[:1].upper()}{said[1:]}."
    return _SENTENCES.get(kind, "Is not valid.")
