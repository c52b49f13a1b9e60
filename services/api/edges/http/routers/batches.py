"""/v1/test-call-batches: batches of test-call runs."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http.dependencies import Opens, OrgId, PathId
from services.api.edges.http.idempotency import Key
from services.api.edges.http.models.batches import BatchQuery, TestCallBatch
from services.api.edges.http.models.forms import BatchForm
from services.api.edges.http.models.problems import ERRORS_OF_ALL, ERRORS_OF_POSTS, errors
from services.api.edges.http.pages import AskedPage, found
from services.api.edges.http.posting import posted
from services.api.edges.http.strict import StrictRoute

router = APIRouter(
    prefix="/v1/test-call-batches", tags=["test-call-batches"], route_class=StrictRoute, responses=ERRORS_OF_ALL
)


@router.post("", status_code=201, response_model=TestCallBatch, responses=ERRORS_OF_POSTS)
async def create_test_call_batch(request: Request, org_id: OrgId, key: Key, form: BatchForm) -> Response:
    """Create a batch of test-call runs, all or nothing."""
    return await posted(request, org_id, form, key)


@router.get("", response_model=list[TestCallBatch], responses=errors(400))
async def list_test_call_batches(request: Request, query: Annotated[BatchQuery, Query()], opens: Opens) -> Response:
    """List batches, newest first."""
    asked = AskedPage(request, query)
    async with opens as reading:
        return await asked.bare(reading.batches, TestCallBatch)


@router.get("/{batch_id}", response_model=TestCallBatch, responses=errors(404))
async def get_test_call_batch(batch_id: PathId, opens: Opens) -> Response:
    """Return one batch."""
    async with opens as reading:
        batch = await reading.batch(batch_id)
    return found(TestCallBatch, batch)
