"""POST …/retry: the failed runs of a batch, as a new batch that goes through the same admission."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from services.api.domain.asking import Asked
from services.api.edges.http import problems
from services.api.edges.http.models.forms import NOT_AVAILABLE, RetryForm
from services.api.edges.http.posting import key_of, submitted
from services.api.edges.http.resource import ApiRequest
from services.api.ports import Shown


async def retried(form: RetryForm, request: ApiRequest, batch_id: int, path: str) -> Response:
    """Ask for what has failed by now, under the same conditions, at today's price."""
    async with request.reading() as reading:
        parent = await reading.batch(batch_id)
        failed = await reading.failed_runs(batch_id) if parent is not None else ()
    if parent is None:
        return problems.not_found()
    if not failed:
        return problems.nothing_to_retry()
    if parent["mode"] == "sip" and not request.app.state.offers_sip:
        return problems.invalid({"mode": [NOT_AVAILABLE]})
    return await submitted(_asked(form, request, parent, failed), request, path)


def _asked(form: RetryForm, request: ApiRequest, parent: Shown, failed: Sequence[Shown]) -> Asked:
    prompts = tuple(run["scenario_prompt"] for run in failed)
    return Asked(
        org_id=request.state.org_id,
        target_type=parent["target_type"],
        target_id=parent["target_id"],
        direction=parent["direction"],
        target_number=parent["target_number"],
        prompts=prompts if any(prompts[0] != prompt for prompt in prompts) else tuple(filter(None, prompts[:1])),
        run_count=len(failed),
        is_batch=True,
        name=parent["name"] if form.name is None else form.name,
        stagger_seconds=parent["stagger_seconds"],
        metadata=json.loads(failed[0]["metadata"]),
        idempotency=key_of(form, request),
        traceparent=request.state.traceparent,
        mode=parent["mode"],
        conditions=json.loads(parent["conditions"]),
        recording=parent["recording"],
        max_cost_cents=form.max_cost_cents,
        is_dry=form.dry_run,
        parent_batch_id=parent["id"],
    )
