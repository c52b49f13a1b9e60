"""The two POSTs."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from services.api import metrics
from services.api.domain.asking import Accepted, Answer, Asked, IdempotencyKey, Replayed
from services.api.edges.http import answers
from services.api.edges.http.body import read_form, read_json
from services.api.edges.http.forms import BatchForm, TestCallForm
from services.api.edges.http.idempotency import fingerprinted, read_idempotency_key
from services.api.edges.http.shapes import view_json

MAX_INLINE_BYTES = 65_536

Submit = Callable[[Asked], Awaitable[Answer]]
Endpoint = Callable[[Request], Awaitable[Response]]


def post_endpoints(submit: Submit) -> tuple[Endpoint, Endpoint]:
    """Return the endpoints of test calls and of batches."""

    async def create_test_call(request: Request) -> Response:
        """Create a single test-call run."""
        return await _create(request, TestCallForm, submit)

    async def create_test_call_batch(request: Request) -> Response:
        """Create a batch of test-call runs, all or nothing."""
        return await _create(request, BatchForm, submit)

    return create_test_call, create_test_call_batch


async def _create(request: Request, form: type[TestCallForm] | type[BatchForm], submit: Submit) -> Response:
    if any(coding.strip().lower() != "identity" for coding in request.headers.getlist("content-encoding")):
        return answers.encoded()
    body = await request.body()
    # A mebibyte of small objects takes long enough for everybody else to notice.
    content = read_json(body) if len(body) <= MAX_INLINE_BYTES else await asyncio.to_thread(read_json, body)
    if isinstance(content, Response):
        return content
    given_key = read_idempotency_key(request.headers.getlist("idempotency-key"), content)
    if isinstance(given_key, Response):
        return given_key
    read = read_form(form, content)
    if isinstance(read, Response):
        return read
    path = request.url.path
    key = fingerprinted(given_key, read, content, method=request.method, path=path) if given_key is not None else None
    given = await submit(_asked(request, read, key))
    match given:
        case Accepted(view):
            return answers.answer(view_json(view), 201, {"Location": f"{path}/{view.id}"})
        case Replayed(status, body):
            headers = {"Idempotent-Replayed": "true", "Location": f"{path}/{from_json(body)['id']}"}
            return Response(body, status, headers, media_type="application/json")
        case refusal:
            metrics.RUNS_REFUSED.labels(answers.CODES[type(refusal)]).inc()
            return answers.refused(refusal)


def _asked(request: Request, form: TestCallForm | BatchForm, key: IdempotencyKey | None) -> Asked:
    batch = form if isinstance(form, BatchForm) else None
    return Asked(
        org_id=request.state.org_id,
        target_type=form.target_type,
        target_id=form.target_id,
        direction=form.direction,
        target_number=form.target_number,
        prompts=form.prompts,
        run_count=batch.run_count if batch else 1,
        is_batch=batch is not None,
        name=batch.name if batch else "",
        stagger_seconds=batch.stagger_seconds if batch else 0,
        metadata=form.metadata,
        idempotency=key,
        traceparent=request.state.traceparent,
    )
