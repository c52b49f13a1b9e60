"""/v1/calls: call logs and their transcripts."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from services.api.edges.http.models.calls import Call, CallPage, CallQuery, Transcript
from services.api.edges.http.models.problems import errors
from services.api.edges.http.pages import AskedPage, found
from services.api.edges.http.path_id import PathId
from services.api.edges.http.resource import ApiRequest, Resource

router = Resource("calls")


@router.get("", response_model=CallPage, responses=errors(400))
async def list_calls(query: Annotated[CallQuery, Query()], request: ApiRequest) -> Response:
    """List call logs, the one that was placed last first."""
    asked = AskedPage(query, request)
    async with request.reading() as reading:
        return await asked.wrapped(reading.calls, Call)


@router.get("/{call_id}", response_model=Call, responses=errors(404))
async def get_call(call_id: PathId, request: ApiRequest) -> Response:
    """Return one call log."""
    async with request.reading() as reading:
        call = await reading.call(call_id)
    return found(Call, call)


@router.get("/{call_id}/transcript", response_model=Transcript, responses=errors(404))
async def get_transcript(call_id: PathId, request: ApiRequest) -> Response:
    """Return a call's transcript."""
    async with request.reading() as reading:
        transcript = await reading.transcript(call_id)
    return found(Transcript, transcript)
