"""/v1/calls: call logs and their transcripts."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http.dependencies import Opens, PathId
from services.api.edges.http.models.calls import Call, CallPage, CallQuery, Transcript
from services.api.edges.http.models.problems import ERRORS_OF_ALL, errors
from services.api.edges.http.pages import AskedPage, found
from services.api.edges.http.strict import StrictRoute

router = APIRouter(prefix="/v1/calls", tags=["calls"], route_class=StrictRoute, responses=ERRORS_OF_ALL)


@router.get("", response_model=CallPage, responses=errors(400))
async def list_calls(request: Request, query: Annotated[CallQuery, Query()], opens: Opens) -> Response:
    """List call logs, the one that was placed last first."""
    asked = AskedPage(request, query)
    async with opens as reading:
        return await asked.wrapped(reading.calls, Call)


@router.get("/{call_id}", response_model=Call, responses=errors(404))
async def get_call(call_id: PathId, opens: Opens) -> Response:
    """Return one call log."""
    async with opens as reading:
        call = await reading.call(call_id)
    return found(Call, call)


@router.get("/{call_id}/transcript", response_model=Transcript, responses=errors(404))
async def get_transcript(call_id: PathId, opens: Opens) -> Response:
    """Return a call's transcript."""
    async with opens as reading:
        transcript = await reading.transcript(call_id)
    return found(Transcript, transcript)
