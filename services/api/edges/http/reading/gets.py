"""The GET endpoints."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.db.reading import Reading
from services.api.edges.http import answers
from services.api.edges.http.reading import query
from services.api.edges.http.reading.pages import page_headers
from services.api.edges.http.shapes import batch_json, call_json, entry_json, funds_json, run_json
from shared.db.database import Database
from shared.events.fields import MAX_ID

Endpoint = Callable[[Request], Awaitable[Response]]

MAX_ID_DIGITS = 16
TARGET_TYPES = ("agent", "phone_number")
RUN_STATUSES = ("queued", "in_progress", "completed", "failed")
BATCH_STATUSES = ("pending", "in_progress", "completed", "failed")
CALL_STATUSES = ("in_progress", "completed", "failed")
ENTRY_KINDS = ("deposit", "hold", "settle", "release", "adjustment")

RUN_QUERY: dict[str, query.Reader] = {
    **query.PAGE,
    "target_type": query.one_of(*TARGET_TYPES),
    "status": query.one_of(*RUN_STATUSES),
    "agent_id": query.integer(1),
    "batch_id": query.integer(1),
}
BATCH_QUERY: dict[str, query.Reader] = {
    **query.PAGE,
    "status": query.one_of(*BATCH_STATUSES),
    "target_type": query.one_of(*TARGET_TYPES),
}
CALL_QUERY: dict[str, query.Reader] = {
    **query.PAGE,
    "agent_id": query.integer(1),
    "direction": query.one_of("inbound", "outbound"),
    "status": query.one_of(*CALL_STATUSES),
    "from_number": query.number,
    "to_number": query.number,
    "start_date": query.from_instant,
    "end_date": query.until_instant,
    "is_test_call": query.boolean,
}
ENTRY_QUERY: dict[str, query.Reader] = {
    **query.PAGE,
    "run_id": query.integer(1),
    "kind": query.one_of(*ENTRY_KINDS),
}


class Gets:
    """Endpoints over one database. Each reads its own organisation only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_test_calls(self, request: Request) -> Response:
        """List test-call runs, newest first."""
        asked = query.read_query(request.scope["query_string"], RUN_QUERY)
        async with self._reading(request) as reading:
            runs, total = await reading.runs(**asked)
        return answers.answer([run_json(run) for run in runs], headers=_page(request, asked, total))

    async def get_test_call(self, request: Request) -> Response:
        """Return one test-call run."""
        async with self._reading(request) as reading:
            run = await reading.run(_path_id(request))
        return answers.not_found() if run is None else answers.answer(run_json(run))

    async def list_test_call_batches(self, request: Request) -> Response:
        """List batches, newest first."""
        asked = query.read_query(request.scope["query_string"], BATCH_QUERY)
        async with self._reading(request) as reading:
            batches, total = await reading.batches(**asked)
        return answers.answer([batch_json(batch) for batch in batches], headers=_page(request, asked, total))

    async def get_test_call_batch(self, request: Request) -> Response:
        """Return one batch."""
        async with self._reading(request) as reading:
            batch = await reading.batch(_path_id(request))
        return answers.not_found() if batch is None else answers.answer(batch_json(batch))

    async def list_calls(self, request: Request) -> Response:
        """List call logs, newest first."""
        asked = query.read_query(request.scope["query_string"], CALL_QUERY)
        async with self._reading(request) as reading:
            calls, total = await reading.calls(**asked)
        return _wrapped(request, asked, total, [call_json(call) for call in calls])

    async def get_call(self, request: Request) -> Response:
        """Return one call log."""
        async with self._reading(request) as reading:
            call = await reading.call(_path_id(request))
        return answers.not_found() if call is None else answers.answer(call_json(call))

    async def get_transcript(self, request: Request) -> Response:
        """Return a call's transcript."""
        call_id = _path_id(request)
        async with self._reading(request) as reading:
            turns = await reading.transcript(call_id)
        return answers.not_found() if turns is None else answers.answer({"call_id": call_id, "transcripts": turns})

    async def get_billing(self, request: Request) -> Response:
        """Return the organisation's funds."""
        async with self._reading(request) as reading:
            return answers.answer(funds_json(await reading.funds()))

    async def list_billing_entries(self, request: Request) -> Response:
        """List ledger entries, newest first."""
        asked = query.read_query(request.scope["query_string"], ENTRY_QUERY)
        async with self._reading(request) as reading:
            entries, total = await reading.entries(**asked)
        return _wrapped(request, asked, total, [entry_json(entry) for entry in entries])

    @asynccontextmanager
    async def _reading(self, request: Request) -> AsyncIterator[Reading]:
        async with self._database.reading() as transaction:
            yield Reading(transaction, request.state.org_id)


def _path_id(request: Request) -> int:
    """Return the id of the path; 0, which nothing has, for what is no id."""
    given = next(str(value) for value in request.path_params.values())
    is_integer = given.isascii() and given.isdigit() and len(given) <= MAX_ID_DIGITS and given[0] != "0"
    return int(given) if is_integer and int(given) <= MAX_ID else 0


def _page(request: Request, asked: dict[str, Any], total: int) -> dict[str, str]:
    return page_headers(request, total=total, limit=asked["limit"], offset=asked["offset"])


def _wrapped(request: Request, asked: dict[str, Any], total: int, results: list[Any]) -> Response:
    body = {"results": results, "total": total, "limit": asked["limit"], "offset": asked["offset"]}
    return answers.answer(body, headers=_page(request, asked, total))
