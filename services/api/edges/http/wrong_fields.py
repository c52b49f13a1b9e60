"""What FastAPI found wrong with a request, as the contract says it: a 400 with sentences for each field."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http import problems
from services.api.edges.http.models.forms import E164_OR_EMPTY, NO_CONSENT, NOT_AVAILABLE

MAX_ERRORS = 20
_QUOTED = re.compile("'(.*?)'")

_SENTENCES = {
    "missing": "This field is required.",
    "int_type": "Must be an integer.",
    "int_from_float": "Must be an integer.",
    "int_parsing_size": "Must be an integer of at most 53 bits.",
    "string_type": "Must be a string.",
    "list_type": "Must be an array.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "bool_type": "Must be true or false.",
    "float_type": "Must be a number.",
    "tuple_type": "Must be an array.",
}


async def wrong_fields(_: Request, error: Exception) -> Response:
    """Answer a request that does not fit its models. A path that does not is the path of nothing."""
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    if any(one["loc"][0] == "path" for one in errors):
        return problems.not_found()
    if any(one["type"] == NO_CONSENT for one in errors):
        return problems.consent_required()
    return problems.invalid(sentences(errors))


def sentences(errors: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return what is wrong with each field."""
    fields: dict[str, list[str]] = {}
    for one in errors[:MAX_ERRORS]:
        where, field, *inner = one["loc"]
        sentence = _sentence(where, one["type"], one.get("ctx", {}), one["msg"])
        if inner and isinstance(inner[0], int):
            sentence = f"Item {inner[0]}: {sentence}"
        elif inner:
            sentence = f"{'.'.join(map(str, inner))}: {sentence}"
        fields.setdefault(str(field), []).append(sentence)
    return fields


def _sentence(where: str, kind: str, context: Mapping[str, Any], message: str) -> str:
    match kind:
        case "literal_error":
            expected = str(context["expected"])
            return f"Must be one of: {expected if where == 'body' else ', '.join(_QUOTED.findall(expected))}."
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
        case "string_pattern_mismatch" if context["pattern"] == E164_OR_EMPTY:
            return "Must be a phone number in E.164 form, such as +15551230000."
        case "value_error":
            said = message.removeprefix("Value error, ")
            return said if said == NOT_AVAILABLE else f"{said[:1].upper()}{said[1:]}."
    return _SENTENCES.get(kind, "Is not valid.")
