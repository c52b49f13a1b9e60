"""From a form that fits to the answer of a POST."""

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.api import metrics
from services.api.domain.asking import Accepted, Asked, IdempotencyKey, Replayed
from services.api.domain.views import BatchView, RunView
from services.api.edges.http import problems
from services.api.edges.http.idempotency import GivenKey, fingerprinted
from services.api.edges.http.models.batches import TestCallBatch
from services.api.edges.http.models.forms import AskingForm, BatchForm
from services.api.edges.http.models.runs import TestCallRun


async def posted(request: Request, org_id: int, form: AskingForm, key: GivenKey | None) -> Response:
    """Submit what was asked for, and answer."""
    path, idempotency = request.url.path, None
    if key is not None:
        idempotency = fingerprinted(key, form, await request.json(), method=request.method, path=path)
    match await request.app.state.submit(_asked(org_id, form, idempotency, request.state.traceparent)):
        case Accepted(view):
            headers = {"Location": f"{path}/{view.id}"}
            return Response(view_bytes(view), 201, headers, media_type="application/json")
        case Replayed(status, body):
            headers = {"Idempotent-Replayed": "true", "Location": f"{path}/{from_json(body)['id']}"}
            return Response(body, status, headers, media_type="application/json")
        case refusal:
            metrics.RUNS_REFUSED.labels(problems.CODES[type(refusal)]).inc()
            return problems.refused(refusal)


def _asked(org_id: int, form: AskingForm, idempotency: IdempotencyKey | None, traceparent: str) -> Asked:
    batch = form if isinstance(form, BatchForm) else None
    return Asked(
        org_id=org_id,
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
        idempotency=idempotency,
        traceparent=traceparent,
    )


def view_bytes(view: RunView | BatchView) -> bytes:
    """Write what a POST answers, and what a replay of it repeats."""
    answer = TestCallRun if isinstance(view, RunView) else TestCallBatch
    return bytes(JSONResponse(answer.model_validate(view).model_dump()).body)
