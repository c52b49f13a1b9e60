"""From a form that fits to the answer of a POST."""

import json

from pydantic_core import from_json
from starlette.responses import Response

from services.api.domain.asking import Accepted, Asked, Priced, Replayed
from services.api.domain.views import BatchView, RunView
from services.api.edges.http.idempotency import fingerprinted
from services.api.edges.http.models.batches import TestCallBatch
from services.api.edges.http.models.forms import BatchForm, TestCallForm
from services.api.edges.http.models.prices import TestCallPrice
from services.api.edges.http.models.runs import TestCallRun
from services.api.edges.http.refusals import refused
from services.api.edges.http.resource import ApiRequest

JSON = "application/json"

# Numbers in metadata are spelled as they will be stored.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


async def posted(form: TestCallForm | BatchForm, request: ApiRequest) -> Response:
    """Submit what was asked for, and answer."""
    path = request.scope["path"]
    match await request.app.state.submit(_asked(form, request)):
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


def _asked(form: TestCallForm | BatchForm, request: ApiRequest) -> Asked:
    key = request.key if not form.dry_run else None
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
        idempotency=fingerprinted(key, form, request.content, request.method, request.scope["path"]) if key else None,
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
