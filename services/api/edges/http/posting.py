"""From a form that fits to the answer of a POST."""

import json

from pydantic_core import from_json
from starlette.responses import Response

from services.api.domain.asking import Accepted, Asked, IdempotencyKey, Priced, Replayed
from services.api.domain.views import BatchView, RunView
from services.api.edges.http.idempotency import fingerprinted
from services.api.edges.http.models.batches import TestCallBatch
from services.api.edges.http.models.forms import BatchForm, ConsentingForm, TestCallForm
from services.api.edges.http.models.prices import TestCallPrice
from services.api.edges.http.models.runs import TestCallRun
from services.api.edges.http.refusals import refused
from services.api.edges.http.resource import ApiRequest

JSON = "application/json"

# Numbers in metadata are spelled as they will be stored.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


async def posted(form: TestCallForm | BatchForm, request: ApiRequest) -> Response:
    """Submit what was asked for, and answer."""
    return await submitted(_asked(form, request), request, request.scope["path"])


async def submitted(asked: Asked, request: ApiRequest, path: str) -> Response:
    """Submit, and answer; what is created is found under `path`."""
    match await request.app.state.submit(asked):
        case Accepted(view):
            headers = {"Location": f"{path}/{view.id}"}
            return Response(view_bytes(view), 201, headers, media_type=JSON)
        case Priced(view):
            return Response(_ENCODER.encode(TestCallPrice.model_validate(view).model_dump()), media_type=JSON)
        case Replayed(status, body):
            headers = {"Idempotent-Replayed": "true", "Location": f"{path}/{from_json(body)['id']}"}
            return Response(body, status, headers, media_type=JSON)
        case refusal:
            return refused(refusal)


def key_of(form: ConsentingForm, request: ApiRequest) -> IdempotencyKey | None:
    """Return the key that a request came with. A dry run has none: it is asked anew each time."""
    if request.key is None or form.dry_run:
        return None
    return fingerprinted(request.key, form, request.content, request.method, request.scope["path"])


def _asked(form: TestCallForm | BatchForm, request: ApiRequest) -> Asked:
    return Asked(
        org_id=request.state.org_id,
        target_type=form.target_type,
        target_id=form.target_id,
        direction=form.direction,
        target_number=form.target_number,
        prompts=form.prompts,
        run_count=form.run_count,
        is_batch=form.is_batch,
        name=form.name,
        stagger_seconds=form.stagger_seconds,
        metadata=form.metadata,
        idempotency=key_of(form, request),
        traceparent=request.state.traceparent,
        mode=form.mode,
        conditions=form.conditions.model_dump(mode="json") if form.conditions else None,
        recording=form.recording,
        max_cost_cents=form.max_cost_cents,
        is_dry=form.dry_run,
    )


def view_bytes(view: RunView | BatchView) -> bytes:
    """Write what a POST answers, and what a replay of it repeats."""
    answer = TestCallRun if isinstance(view, RunView) else TestCallBatch
    return _ENCODER.encode(answer.model_validate(view).model_dump()).encode()
