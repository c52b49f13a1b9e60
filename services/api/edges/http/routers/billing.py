"""/v1/billing: an organisation's funds and its ledger."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from services.api.edges.http.models.billing import EntryQuery, Funds, LedgerEntry, LedgerEntryPage
from services.api.edges.http.models.problems import errors
from services.api.edges.http.pages import AskedPage
from services.api.edges.http.resource import ApiRequest, Resource

router = Resource("billing")


@router.get("")
async def get_billing(request: ApiRequest) -> Funds:
    """Return the organisation's funds."""
    async with request.reading() as reading:
        return Funds(**await reading.funds())


@router.get("/entries", response_model=LedgerEntryPage, responses=errors(400))
async def list_billing_entries(query: Annotated[EntryQuery, Query()], request: ApiRequest) -> Response:
    """List ledger entries, newest first."""
    asked = AskedPage(query, request)
    async with request.reading() as reading:
        return await asked.wrapped(reading.entries, LedgerEntry)
