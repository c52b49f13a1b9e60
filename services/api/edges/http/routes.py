"""The table of endpoints, and what /openapi.json says of each."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, RootModel
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http import schemas
from services.api.edges.http.forms import AskingForm, BatchForm, TestCallForm
from services.api.edges.http.idempotency import MAX_BODY_KEY_CHARS, MAX_HEADER_KEY_CHARS
from services.api.edges.http.reading import gets
from services.api.edges.http.reading.query import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, MAX_VALUE_CHARS
from shared.events.fields import MAX_ID

Endpoint = Callable[[Request], Awaitable[Response]]

ERRORS: dict[int, tuple[type[BaseModel], str]] = {
    400: (schemas.ValidationProblem, "A field or parameter is wrong."),
    401: (schemas.Problem, "No valid secret API key was given."),
    402: (schemas.Problem, "The available funds are below the estimate (`insufficient_balance`)."),
    404: (schemas.Problem, "It does not exist in this organisation."),
    409: (schemas.Problem, "The first request with this idempotency key is still running."),
    413: (schemas.Problem, "The body is larger than 1 MiB."),
    415: (schemas.Problem, "The body has a `Content-Encoding`."),
    422: (schemas.Problem, "The idempotency key was used for a different request (`idempotency_mismatch`)."),
    429: (schemas.Problem, "No slot is free (`concurrency_limit`) or the queue is full (`queue_full`)."),
    503: (schemas.Problem, "The service cannot answer now; try again after `Retry-After` seconds."),
}
_OF_POSTS = (400, 401, 402, 404, 409, 413, 415, 422, 429, 503)


class BadRequest(RootModel[schemas.ValidationProblem | schemas.Problem]):
    """Wrong fields, malformed JSON (`malformed_json`) or missing consent (`consent_required`)."""


class TestCallRuns(RootModel[list[schemas.TestCallRun]]):
    """A page of runs."""


class TestCallBatches(RootModel[list[schemas.TestCallBatch]]):
    """A page of batches."""


@dataclass(frozen=True)
class Operation:
    """One row of the table."""

    method: str
    path: str
    endpoint: Endpoint
    answer: type[BaseModel]
    errors: tuple[int, ...]
    status: int = 200
    query: Mapping[str, Any] = field(default_factory=dict)
    form: type[AskingForm] | None = None


def operations(posts: tuple[Endpoint, Endpoint], reads: "gets.Gets", healthz: Endpoint) -> tuple[Operation, ...]:
    """Return all endpoints under /v1."""
    create_test_call, create_batch = posts
    one, many = (401, 404, 503), (400, 401, 503)
    return (
        Operation("POST", "/v1/test-calls", create_test_call, schemas.TestCallRun, _OF_POSTS, 201, form=TestCallForm),
        Operation("GET", "/v1/test-calls", reads.list_test_calls, TestCallRuns, many, query=gets.RUN_QUERY),
        Operation("GET", "/v1/test-calls/{id}", reads.get_test_call, schemas.TestCallRun, one),
        Operation("POST", "/v1/test-call-batches", create_batch, schemas.TestCallBatch, _OF_POSTS, 201, form=BatchForm),
        Operation(
            "GET", "/v1/test-call-batches", reads.list_test_call_batches, TestCallBatches, many, query=gets.BATCH_QUERY
        ),
        Operation("GET", "/v1/test-call-batches/{batch_id}", reads.get_test_call_batch, schemas.TestCallBatch, one),
        Operation("GET", "/v1/calls", reads.list_calls, schemas.CallPage, many, query=gets.CALL_QUERY),
        Operation("GET", "/v1/calls/{call_id}", reads.get_call, schemas.Call, one),
        Operation("GET", "/v1/calls/{call_id}/transcript", reads.get_transcript, schemas.Transcript, one),
        Operation("GET", "/v1/billing", reads.get_billing, schemas.Funds, (401, 503)),
        Operation(
            "GET",
            "/v1/billing/entries",
            reads.list_billing_entries,
            schemas.LedgerEntryPage,
            many,
            query=gets.ENTRY_QUERY,
        ),
        Operation("GET", "/v1/healthz", healthz, schemas.Health, ()),
    )


def add_operation(app: FastAPI, operation: Operation) -> None:
    """Add one endpoint with its documentation."""
    responses: dict[int | str, dict[str, Any]] = {
        operation.status: {"model": operation.answer, "description": "The answer."}
    }
    for status in operation.errors:
        model, description = ERRORS[status]
        responses[status] = {
            "model": BadRequest if status == 400 and operation.form else model,
            "description": description,
        }
    app.add_api_route(
        operation.path,
        operation.endpoint,
        methods=[operation.method],
        status_code=operation.status,
        responses=responses,
        response_model=None,
        operation_id=operation.endpoint.__name__,
        openapi_extra=_extra(operation),
        tags=[operation.path.split("/")[2]],
    )


def _extra(operation: Operation) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    parameters = [_parameter(name, operation.path) for name in operation.query]
    for name in re.findall(r"{(\w+)}", operation.path):
        schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    if operation.form is not None:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": MAX_HEADER_KEY_CHARS},
                "description": "Bare, or as a quoted string (RFC 9651): both are the same key.",
            }
        )
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _form_schema(operation.form)}},
        }
    if parameters:
        extra["parameters"] = parameters
    if operation.path != "/v1/healthz":
        extra["security"] = [{"secretKey": []}]
    return extra


def _form_schema(form: type[AskingForm]) -> dict[str, Any]:
    schema = form.model_json_schema()
    schema["title"] = form.__name__
    schema["properties"]["consent_to_charge"] = {
        "type": "boolean",
        "const": True,
        "description": "Test calls are charged; only the JSON value true consents.",
    }
    schema["properties"]["idempotency_key"] = {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_BODY_KEY_CHARS,
        "description": "Instead of the Idempotency-Key header.",
    }
    schema["properties"]["target_number"]["pattern"] = r"^(\+[1-9][0-9]{1,14})?$"  # \z is Rust's, $ is JavaScript's
    schema["required"].append("consent_to_charge")
    return schema


_STATUSES = {
    "/v1/test-calls": gets.RUN_STATUSES,
    "/v1/test-call-batches": gets.BATCH_STATUSES,
    "/v1/calls": gets.CALL_STATUSES,
}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "offset": {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
    "cursor": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_VALUE_CHARS,
        "description": "of a `Link` of the same list with the same filters; not together with an offset",
    },
    "target_type": {"type": "string", "enum": list(gets.TARGET_TYPES)},
    "direction": {"type": "string", "enum": ["inbound", "outbound"]},
    "kind": {"type": "string", "enum": list(gets.ENTRY_KINDS)},
    "agent_id": {"type": "integer", "minimum": 1},
    "batch_id": {"type": "integer", "minimum": 1},
    "run_id": {"type": "integer", "minimum": 1},
    "start_date": {"type": "string", "description": "date or timestamp, included; without an offset it is UTC"},
    "end_date": {"type": "string", "description": "date (its whole day) or timestamp, included"},
    "is_test_call": {"type": "boolean"},
    "from_number": {"type": "string"},
    "to_number": {"type": "string"},
}


def _parameter(name: str, path: str) -> dict[str, Any]:
    schema = {"type": "string", "enum": list(_STATUSES[path])} if name == "status" else _PARAMETERS[name]
    return {"name": name, "in": "query", "required": False, "schema": schema}
