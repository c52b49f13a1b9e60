"""The GET endpoints."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from starlette.requests import Request
from starlette.responses import Response

from services.api.edges.db import lists
from services.api.edges.db.reading import Reading
from services.api.edges.db.reads import Reads
from services.api.edges.http import answers
from services.api.edges.http.reading import query
from services.api.edges.http.reading.pages import asked_page, bare, wrapped
from services.api.edges.http.reading.writing import batch_bytes, run_bytes, with_json, written
from services.api.edges.http.shapes import call_json, entry_json, funds_json
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
    """Endpoints over what is read. Each reads its own organisation only."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def list_test_calls(self, request: Request) -> Response:
        """List test-call runs, newest first."""
        asked = asked_page(request, RUN_QUERY, lists.RUNS)
        async with self._reading(request) as reading:
            page = await reading.runs(asked.filters, asked.place)
            return await bare(request, asked, page, run_bytes)

    async def get_test_call(self, request: Request) -> Response:
        """Return one test-call run."""
        async with self._reading(request) as reading:
            run = await reading.run(_path_id(request))
        return answers.not_found() if run is None else written(run_bytes(run))

    async def list_test_call_batches(self, request: Request) -> Response:
        """List batches, newest first."""
        asked = asked_page(request, BATCH_QUERY, lists.BATCHES)
        async with self._reading(request) as reading:
            page = await reading.batches(asked.filters, asked.place)
            return await bare(request, asked, page, batch_bytes)

    async def get_test_call_batch(self, request: Request) -> Response:
        """Return one batch."""
        async with self._reading(request) as reading:
            batch = await reading.batch(_path_id(request))
        return answers.not_found() if batch is None else written(batch_bytes(batch))

    async def list_calls(self, request: Request) -> Response:
        """List call logs, the one that was placed last first."""
        asked = asked_page(request, CALL_QUERY, lists.CALLS)
        async with self._reading(request) as reading:
            page = await reading.calls(asked.filters, asked.place)
            return await wrapped(request, asked, page, lambda call: answers.json_bytes(call_json(call)))

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
        return answers.not_found() if turns is None else written(with_json({"call_id": call_id}, transcripts=turns))

    async def get_billing(self, request: Request) -> Response:
        """Return the organisation's funds."""
        async with self._reading(request) as reading:
            return answers.answer(funds_json(await reading.funds()))

    async def list_billing_entries(self, request: Request) -> Response:
        """List ledger entries, newest first."""
        asked = asked_page(request, ENTRY_QUERY, lists.ENTRIES)
        async with self._reading(request) as reading:
            page = await reading.entries(asked.filters, asked.place)
            return await wrapped(request, asked, page, lambda entry: answers.json_bytes(entry_json(entry)))

    def _reading(self, request: Request) -> AbstractAsyncContextManager[Reading]:
        return self._reads.of(request.state.org_id)


def _path_id(request: Request) -> int:
    """Return the id of the path; 0, which nothing has, for what is no id."""
    given = next(str(value) for value in request.path_params.values())
    is_integer = given.isascii() and given.isdigit() and len(given) <= MAX_ID_DIGITS and given[0] != "0"
    return int(given) if is_integer and int(given) <= MAX_ID else 0
