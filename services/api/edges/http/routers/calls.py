"""/v1/calls: call logs, their transcripts, recordings and figures."""

import json
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from services.api.edges.http import problems
from services.api.edges.http.models.calls import Call, CallPage, CallQuery, Transcript
from services.api.edges.http.models.problems import errors
from services.api.edges.http.models.recordings import Audio, Figures, Waveform
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


@router.get("/{call_id}/figures", response_model=Figures, responses=errors(404))
async def get_figures(call_id: PathId, request: ApiRequest) -> Response:
    """Return what was measured in a call; there is nothing before its end."""
    async with request.reading() as reading:
        figures = await reading.figures(call_id)
    if figures is None:
        return problems.not_found()
    measured = Figures.model_validate_json(json.dumps({**json.loads(figures), "call_id": call_id}))
    return Response(measured.model_dump_json(), media_type="application/json")


@router.get("/{call_id}/audio", response_model=Audio, responses=errors(404))
async def get_audio(call_id: PathId, request: ApiRequest) -> Response:
    """Return a link to a call's recording, good for a limited time and without a key."""
    async with request.reading() as reading:
        names = await reading.recording(call_id)
    shelf = request.app.state.shelf
    link = await shelf.audio(names[0]) if names is not None and shelf is not None else None
    if link is None:
        return problems.not_found()
    return Response(Audio(url=link[0], expires_at=link[1]).model_dump_json(), media_type="application/json")


@router.get("/{call_id}/waveform", response_model=Waveform, responses=errors(404))
async def get_waveform(call_id: PathId, request: ApiRequest) -> Response:
    """Return what to draw of a call's recording."""
    async with request.reading() as reading:
        names = await reading.recording(call_id)
    shelf = request.app.state.shelf
    peaks = await shelf.waveform(names[1]) if names is not None and names[1] and shelf is not None else None
    if peaks is None:
        return problems.not_found()
    drawn = Waveform(call_id=call_id, **json.loads(peaks))
    return Response(drawn.model_dump_json(), media_type="application/json")
