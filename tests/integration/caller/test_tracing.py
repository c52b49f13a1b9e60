"""One story, one trace: what the caller says carries on the traceparent that the dispatch came with."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.caller.edges.db.arriving import Arriving
from services.caller.usecases.accept_dispatches import accept_dispatches, give_up_unreadable
from shared.events.envelope import header
from shared.messaging.messages import DeadLetter, Heard
from shared.messaging.outbox import read_headers
from tests.integration.caller.instance import Caller, Callers, dispatched

pytestmark = pytest.mark.integration

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


async def accept(caller: Caller, run_id: int, *, has_room: bool = True, **fields: Any) -> None:
    """Hear a dispatch that belongs to a trace."""
    taking = caller.worker.taking if has_room else caller.full
    heard = Heard(
        dispatched(run_id, dispatch_no=1, **fields),
        "id",
        datetime.now(UTC),
        TRACEPARENT,
        ("test-call-admissions", 0, 0),
    )
    async with caller.database.transaction() as transaction:
        says = await accept_dispatches(Arriving(transaction, taking), [heard])
        await caller.outbox.write(transaction, says)


async def said(caller: Caller) -> list[tuple[str, str | None]]:
    """What waits to be published, with the traceparents in its headers."""
    async with caller.database.reading() as transaction:
        rows = await transaction.rows("SELECT headers FROM outbox ORDER BY id")
    headers = [read_headers(row.headers) for row in rows]
    return [(str(header(some, "ce_type")).split(".")[1], header(some, "traceparent")) for some in headers]


async def test_the_start_and_the_end_of_a_call_belong_to_the_dispatch_s_trace(caller: Caller) -> None:
    await accept(caller, 11)
    await caller.claim()
    await caller.idle()
    assert await said(caller) == [("CallStarted", TRACEPARENT), ("TestCallCompleted", TRACEPARENT)]


async def test_so_does_the_return_of_a_run_that_nobody_called_whoever_asks_for_it(caller: Caller) -> None:
    await accept(caller, 11, has_room=False)
    await caller.start_passes(11)
    await caller.reap()
    await accept(caller, 11)
    assert await said(caller) == [("TestCallReturned", TRACEPARENT)] * 2


async def test_so_does_the_end_of_a_call_that_was_lost(callers: Callers) -> None:
    caller = await callers.another(mortal=True)
    caller.dies()
    await accept(caller, 11)
    await caller.leases_run_out()
    await caller.reap()
    assert await said(caller) == [("TestCallFailed", TRACEPARENT)]


async def test_so_does_the_end_of_a_run_over_sip_where_there_is_no_telephone(caller: Caller) -> None:
    await accept(caller, 11, mode="sip")
    await caller.idle()
    assert await said(caller) == [("TestCallFailed", TRACEPARENT)]


@pytest.mark.usefixtures("our_side_fails")
async def test_so_does_the_end_of_a_run_whose_stored_dispatch_is_not_readable(caller: Caller) -> None:
    await accept(caller, 11, has_room=False)
    async with caller.database.transaction() as transaction:
        await transaction.run("UPDATE attempts SET dispatch = '{}'")
    await caller.claim()
    await caller.idle()
    assert await said(caller) == [("TestCallFailed", TRACEPARENT)]


async def test_so_does_the_end_of_a_run_whose_dispatch_was_not_readable(caller: Caller) -> None:
    type_, at = "rehearsal.TestCallDispatched.v1", datetime.now(UTC)
    letter = DeadLetter("test-call-admissions", type_, "11", "why", TRACEPARENT, "an id", at)
    async with caller.database.transaction() as transaction:
        says = await give_up_unreadable(Arriving(transaction, caller.worker.taking), [letter])
        await caller.outbox.write(transaction, says)
    assert await said(caller) == [("TestCallFailed", TRACEPARENT)]
