"""POST …/cancel: what is open is asked to end. It needs no key: asked twice, it is asked once."""

from starlette.responses import Response

from services.api.edges.http import problems
from services.api.edges.http.models.base import Answer
from services.api.edges.http.resource import ApiRequest
from services.api.edges.http.waiting import waited
from services.api.ports import Awaited


async def canceled(answer: type[Answer], request: ApiRequest, asked: Awaited, wait_seconds: int) -> Response:
    """Cancel, and answer with what it is then: 202 while something of it has not ended yet."""
    if not await request.app.state.cancel(asked, request.state.traceparent):
        return problems.not_found()
    row = await waited(request, asked, wait_seconds)
    if row is None:  # deleted meanwhile
        return problems.not_found()
    status = 200 if row["completed_at"] is not None else 202
    return Response(answer.written(row), status, media_type="application/json")
