"""/v1/test-call-batches: batches of test-call runs."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from services.api.edges.http.canceling import canceled
from services.api.edges.http.models.batches import BatchQuery, TestCallBatch
from services.api.edges.http.models.forms import BatchForm, RetryForm
from services.api.edges.http.models.prices import PRICED
from services.api.edges.http.models.problems import CANCELING, ERRORS_OF_POSTS, errors
from services.api.edges.http.pages import AskedPage, found
from services.api.edges.http.path_id import PathId
from services.api.edges.http.posting import posted
from services.api.edges.http.resource import ApiRequest, Resource
from services.api.edges.http.retrying import retried
from services.api.edges.http.waiting import WaitQuery, waited
from services.api.ports import Awaited

router = Resource("test-call-batches")


@router.post("", status_code=201, response_model=TestCallBatch, responses=PRICED | ERRORS_OF_POSTS)
async def create_test_call_batch(form: BatchForm, request: ApiRequest) -> Response:
    """Create a batch of test-call runs, all or nothing."""
    return await posted(form, request)


@router.get("", response_model=list[TestCallBatch], responses=errors(400))
async def list_test_call_batches(query: Annotated[BatchQuery, Query()], request: ApiRequest) -> Response:
    """List batches, newest first."""
    asked = AskedPage(query, request)
    async with request.reading() as reading:
        return await asked.bare(reading.batches, TestCallBatch)


@router.get("/{batch_id}", response_model=TestCallBatch, responses=errors(400, 404))
async def get_test_call_batch(batch_id: PathId, query: Annotated[WaitQuery, Query()], request: ApiRequest) -> Response:
    """Return one batch; with `wait`, when it has ended."""
    return found(TestCallBatch, await waited(request, Awaited("batch", request.state.org_id, batch_id), query.wait))


@router.post("/{batch_id}/cancel", response_model=TestCallBatch, responses=CANCELING | {202: {"model": TestCallBatch}})
async def cancel_test_call_batch(
    batch_id: PathId, query: Annotated[WaitQuery, Query()], request: ApiRequest
) -> Response:
    """Cancel all runs of a batch that have not ended: what waits ends at once, what is up is hung up, free of charge.

    202 while it has not ended; with `wait`, it is waited for. What has ended already stays as it is.
    """
    return await canceled(TestCallBatch, request, Awaited("batch", request.state.org_id, batch_id), query.wait)


@router.post("/{batch_id}/retry", status_code=201, response_model=TestCallBatch, responses=PRICED | ERRORS_OF_POSTS)
async def retry_test_call_batch(batch_id: PathId, form: RetryForm, request: ApiRequest) -> Response:
    """Create a batch of the failed runs of a batch, all or nothing, at today's price. It names its parent."""
    return await retried(form, request, batch_id, router.prefix)
