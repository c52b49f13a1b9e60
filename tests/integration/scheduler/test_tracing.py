"""One story, one trace: whatever the scheduler says of a run carries the traceparent that its request came with."""

from datetime import UTC, datetime

import pytest

from services.scheduler.edges.db import SqlQueue
from services.scheduler.usecases.enqueue_runs import enqueue_runs
from services.scheduler.usecases.lock_orgs import lock_orgs
from shared.events.envelope import header
from shared.events.event import Event
from shared.messaging.messages import Heard
from shared.messaging.outbox import read_headers
from tests.integration.scheduler.conftest import Scheduler, slots
from tests.support.some_events import requested, reserved, returned

pytestmark = pytest.mark.integration


def traceparent(run_id: int) -> str:
    """The trace of a run."""
    return f"00-{run_id:032x}-{'b' * 16}-01"


async def accept(scheduler: Scheduler, run_id: int) -> None:
    """Hear a request that belongs to a trace."""
    heard = Heard(requested(run_id), "id", datetime.now(UTC), traceparent(run_id), ("test-call-requests", 0, 0))
    async with scheduler.ear.database.transaction() as transaction:
        queue = SqlQueue(transaction, wake=lambda seconds: None)
        await lock_orgs(queue, [heard])
        await enqueue_runs(queue, [heard])


async def said(scheduler: Scheduler) -> list[tuple[str, str | None]]:
    """Take what waits to be published, but for dead letters, with the traceparents in its headers."""
    async with scheduler.ear.database.transaction() as transaction:
        rows = await transaction.rows("DELETE FROM outbox RETURNING id, topic, headers")
    headers = [read_headers(row.headers) for row in sorted(rows, key=lambda row: row.id) if "-dlq" not in row.topic]
    return [(str(header(some, "ce_type")).split(".")[1], header(some, "traceparent")) for some in headers]


async def hear(scheduler: Scheduler, event: Event) -> list[tuple[str, str | None]]:
    """Hear one event; return what was said at once."""
    record = scheduler.ear.garbage(event, event.model_dump_json().encode())
    await scheduler.ear.applier.apply([record], scheduler.ear.positions, scheduler.ear.offsets)
    return await said(scheduler)


async def tick(scheduler: Scheduler) -> list[tuple[str, str | None]]:
    """Tick once; return what was said."""
    await scheduler.ticker.tick_once(scheduler.ear.outbox)
    return await said(scheduler)


async def test_dispatches_belong_to_the_requests_trace_each_to_its_own(scheduler: Scheduler) -> None:
    async with scheduler.no_room():
        for run_id in (11, 12):
            await accept(scheduler, run_id)
            await scheduler.hear(reserved(run_id))
    assert await tick(scheduler) == [("TestCallDispatched", traceparent(run_id)) for run_id in (11, 12)]
    assert await hear(scheduler, returned(12)) == [("TestCallDispatched", traceparent(12))]


async def test_a_dispatch_with_billings_answer_belongs_to_the_requests_trace(scheduler: Scheduler) -> None:
    await accept(scheduler, 11)
    assert await hear(scheduler, reserved(11)) == [("TestCallDispatched", traceparent(11))]


@pytest.mark.parametrize("funded", [True, False], ids=["without a slot", "without funds"])
async def test_expiries_do_too(scheduler: Scheduler, funded: bool) -> None:
    await scheduler.hear(slots(0, max_queue_seconds=60))
    for run_id in (11, 12):
        await accept(scheduler, run_id)
        if funded:
            await scheduler.hear(reserved(run_id))
    await scheduler.time_passes(61)
    assert await tick(scheduler) == [("TestCallExpired", traceparent(run_id)) for run_id in (11, 12)]


async def test_so_does_the_end_of_a_run_that_cannot_be_dispatched(scheduler: Scheduler) -> None:
    await accept(scheduler, 11)
    async with scheduler.ear.database.transaction() as transaction:
        await transaction.run("DELETE FROM requests")
    assert await hear(scheduler, reserved(11)) == [("TestCallExpired", traceparent(11))]


async def test_so_does_what_follows_from_records_that_cannot_be_read(scheduler: Scheduler) -> None:
    for run_id in (11, 12):
        await accept(scheduler, run_id)
    await scheduler.hear(reserved(12))
    await tick(scheduler)
    for event in (reserved(11), returned(12)):
        record = scheduler.ear.garbage(event, b"{")
        await scheduler.ear.applier.apply([record], scheduler.ear.positions, scheduler.ear.offsets)
    assert await said(scheduler) == [("TestCallExpired", traceparent(11)), ("TestCallDispatched", traceparent(12))]
