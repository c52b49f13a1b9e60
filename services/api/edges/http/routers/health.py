"""Whether the API lives, and whether it does its work. Open to everybody."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.api.edges.http.models.base import Answer


class Health(Answer):
    """The API lives."""

    ok: bool = True


router = APIRouter(tags=["healthz"])


@router.get("/healthz", include_in_schema=False)
@router.get("/v1/healthz", operation_id="healthz")
async def healthz() -> Health:
    """Say that the API lives."""
    return Health()


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> JSONResponse:
    """Say which parts do their work."""
    now = request.app.state.readiness()
    return JSONResponse(now.told(), 200 if now.ready else 503)
