"""One story, one trace: what the caller says carries on the traceparent that the dispatch came with."""

from datetime import UTC, datetime

import pytest

from services.caller.edges.db.attempts import SqlAttempts
from services.caller.usecases.accept_dispatches import accept_dispatches
from shared.events.envelope import header
from shared.messaging.messages import Heard
from shared.messaging.outbox import read_headers
from tests.integration.caller.instance import Caller, dispatched

pytestmark = pytest.mark.integration

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


async def accept(caller: Caller, run_id: int) -> None:
    """Hear a dispatch that belongs to a trace."""
    heard = Heard(dispatched(run_id), "id", datetime.now(UTC), TRACEPARENT, ("test-call-admissions", 0, 0))
    async with caller.database.transaction() as transaction:
        await accept_dispatches(SqlAttempts(transaction, poke=lambda: None), [heard])


async def traceparents(caller: Caller) -> list[str | None]:
    """What stands in the headers of what waits to be published."""
    async with caller.database.reading() as transaction:
        rows = await transaction.rows("SELECT headers FROM outbox ORDER BY id")
    return [header(read_headers(row.headers), "traceparent") for row in rows]


async def test_the_start_and_the_end_of_a_call_belong_to_the_dispatch_s_trace(caller: Caller) -> None:
    await accept(caller, 11)
    await caller.claim()
    await caller.idle()
    assert await traceparents(caller) == [TRACEPARENT] * 2


async def test_so_does_the_end_of_a_run_that_nobody_called(caller: Caller) -> None:
    await accept(caller, 11)
    await caller.start_passes(11)
    await caller.reap()
    assert await traceparents(caller) == [TRACEPARENT]
