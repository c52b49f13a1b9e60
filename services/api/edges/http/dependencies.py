"""What endpoints depend on: whose request it is, and what the API was put together with."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from pydantic import BeforeValidator, Field
from starlette.requests import Request

from services.api.ports import Reading
from shared.events.fields import MAX_ID


class SecretKey(SecurityBase):
    """The organisation of the request's secret key. The guard has found it: here it is documented."""

    def __init__(self) -> None:
        self.model = HTTPBearer(description="A secret key, sk_…")
        self.scheme_name = "secretKey"

    async def __call__(self, request: Request) -> int:
        org_id: int = request.state.org_id
        return org_id


OrgId = Annotated[int, Depends(SecretKey())]


async def _reading(request: Request, org_id: OrgId) -> AbstractAsyncContextManager[Reading]:
    """Return the organisation's view, not opened yet: whose query is wrong takes nobody's turn."""
    opened: AbstractAsyncContextManager[Reading] = request.app.state.reads.of(org_id)
    return opened


Opens = Annotated[AbstractAsyncContextManager[Reading], Depends(_reading)]


def _digits(given: Any) -> int:
    """Read an id of a path in the one way in which ids are written."""
    if not (given.isascii() and given.isdigit() and given[0] != "0" and len(given) <= len(str(MAX_ID))):
        raise ValueError("must be an id")
    return int(given)


PathId = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_digits), Path()]
