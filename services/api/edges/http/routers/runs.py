"""/v1/test-calls: test-call runs, single ones and those of batches."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http.dependencies import Opens, OrgId, PathId
from services.api.edges.http.idempotency import Key
from services.api.edges.http.models.forms import TestCallForm
from services.api.edges.http.models.problems import ERRORS_OF_ALL, ERRORS_OF_POSTS, errors
from services.api.edges.http.models.runs import RunQuery, TestCallRun
from services.api.edges.http.pages import AskedPage, found
from services.api.edges.http.posting import posted
from services.api.edges.http.strict import StrictRoute

router = APIRouter(prefix="/v1/test-calls", tags=["test-calls"], route_class=StrictRoute, responses=ERRORS_OF_ALL)


@router.post("", status_code=201, response_model=TestCallRun, responses=ERRORS_OF_POSTS)
async def create_test_call(request: Request, org_id: OrgId, key: Key, form: TestCallForm) -> Response:
    """Create a single test-call run."""
    return await posted(request, org_id, form, key)


@router.get("", response_model=list[TestCallRun], responses=errors(400))
async def list_test_calls(request: Request, query: Annotated[RunQuery, Query()], opens: Opens) -> Response:
    """List test-call runs, newest first."""
    asked = AskedPage(request, query)
    async with opens as reading:
        return await asked.bare(reading.runs, TestCallRun)


@router.get("/{id}", response_model=TestCallRun, responses=errors(404))
async def get_test_call(run_id: Annotated[PathId, Path(alias="id")], opens: Opens) -> Response:
    """Return one test-call run."""
    async with opens as reading:
        run = await reading.run(run_id)
    return found(TestCallRun, run)
