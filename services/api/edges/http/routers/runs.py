"""/v1/test-calls: test-call runs, single ones and those of batches."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from services.api.edges.http.canceling import canceled
from services.api.edges.http.models.forms import TestCallForm
from services.api.edges.http.models.prices import PRICED
from services.api.edges.http.models.problems import CANCELING, ERRORS_OF_POSTS, errors
from services.api.edges.http.models.runs import RunQuery, TestCallRun
from services.api.edges.http.pages import AskedPage, found
from services.api.edges.http.path_id import PathId
from services.api.edges.http.posting import posted
from services.api.edges.http.resource import ApiRequest, Resource
from services.api.edges.http.waiting import WaitQuery, waited
from services.api.ports import Awaited

router = Resource("test-calls")


@router.post("", status_code=201, response_model=TestCallRun, responses=PRICED | ERRORS_OF_POSTS)
async def create_test_call(form: TestCallForm, request: ApiRequest) -> Response:
    """Create a single test-call run."""
    return await posted(form, request)


@router.get("", response_model=list[TestCallRun], responses=errors(400))
async def list_test_calls(query: Annotated[RunQuery, Query()], request: ApiRequest) -> Response:
    """List test-call runs, newest first."""
    asked = AskedPage(query, request)
    async with request.reading() as reading:
        return await asked.bare(reading.runs, TestCallRun)


@router.get("/{id}", response_model=TestCallRun, responses=errors(400, 404))
async def get_test_call(
    run_id: Annotated[PathId, Path(alias="id")], query: Annotated[WaitQuery, Query()], request: ApiRequest
) -> Response:
    """Return one test-call run; with `wait`, when it has ended."""
    return found(TestCallRun, await waited(request, Awaited("run", request.state.org_id, run_id), query.wait))


@router.post("/{id}/cancel", response_model=TestCallRun, responses=CANCELING | {202: {"model": TestCallRun}})
async def cancel_test_call(
    run_id: Annotated[PathId, Path(alias="id")], query: Annotated[WaitQuery, Query()], request: ApiRequest
) -> Response:
    """Cancel a run: what waits ends at once, what is up is hung up, free of charge.

    202 while it has not ended; with `wait`, it is waited for. What has ended already stays as it is.
    """
    return await canceled(TestCallRun, request, Awaited("run", request.state.org_id, run_id), query.wait)
