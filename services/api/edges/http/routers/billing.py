"""/v1/billing: an organisation's funds and its ledger."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.http.dependencies import Opens
from services.api.edges.http.models.billing import EntryQuery, Funds, LedgerEntry, LedgerEntryPage
from services.api.edges.http.models.problems import ERRORS_OF_ALL, errors
from services.api.edges.http.pages import AskedPage
from services.api.edges.http.strict import StrictRoute

router = APIRouter(prefix="/v1/billing", tags=["billing"], route_class=StrictRoute, responses=ERRORS_OF_ALL)


@router.get("")
async def get_billing(opens: Opens) -> Funds:
    """Return the organisation's funds."""
    async with opens as reading:
        return Funds(**await reading.funds())


@router.get("/entries", response_model=LedgerEntryPage, responses=errors(400))
async def list_billing_entries(request: Request, query: Annotated[EntryQuery, Query()], opens: Opens) -> Response:
    """List ledger entries, newest first."""
    asked = AskedPage(request, query)
    async with opens as reading:
        return await asked.wrapped(reading.entries, LedgerEntry)
