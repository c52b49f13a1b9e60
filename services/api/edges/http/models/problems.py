"""The shapes of errors, and what /openapi.json says of each status."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, RootModel


class Problem(BaseModel):
    """An error: a sentence and a stable word."""

    model_config = ConfigDict(extra="forbid", strict=True)
    detail: str
    code: str


class ValidationProblem(BaseModel):
    """Wrong fields or parameters: sentences for each, beside the word `validation_error`."""

    model_config = ConfigDict(extra="allow", strict=True)
    code: Literal["validation_error"]
    __pydantic_extra__: dict[str, list[str]]


class BadRequest(RootModel[ValidationProblem | Problem]):
    """Wrong fields, malformed JSON (`malformed_json`), missing consent (`consent_required`), `nothing_to_retry`."""


_ERRORS: dict[int, tuple[type[BaseModel], str]] = {
    400: (ValidationProblem, "A field or parameter is wrong."),
    401: (Problem, "No valid secret API key was given."),
    402: (Problem, "The available funds are below the estimate (`insufficient_balance`)."),
    404: (Problem, "It does not exist in this organisation."),
    409: (Problem, "The first request with this idempotency key is still running."),
    413: (Problem, "The body is larger than 1 MiB."),
    415: (Problem, "The body has a `Content-Encoding`."),
    422: (Problem, "The idempotency key was used for a different request (`idempotency_mismatch`)."),
    429: (Problem, "No slot is free (`concurrency_limit`) or the queue is full (`queue_full`)."),
    503: (Problem, "The service cannot answer now; try again after `Retry-After` seconds."),
}

Responses = dict[int | str, dict[str, Any]]


def errors(*statuses: int) -> Responses:
    """Describe errors as FastAPI's `responses`."""
    return {status: {"model": _ERRORS[status][0], "description": _ERRORS[status][1]} for status in statuses}


CANCELING = errors(400, 404)
ERRORS_OF_POSTS = errors(*_ERRORS) | {400: {"model": BadRequest, "description": _ERRORS[400][1]}}
