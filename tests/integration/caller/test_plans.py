"""Polls, claims, renewals and the reaper read what they are about, however many attempts there are of every state."""

import asyncio

import pytest

from tests.integration.caller.instance import Caller, dispatched
from tests.support.databases import TestDatabase
from tests.support.plans import assert_nothing_reads_too_much, assert_nothing_reads_too_much_as_planned_while_empty


async def live(caller: Caller) -> None:
    """Hear, claim, call, renew, reap and drain; leave attempts of every state behind."""
    await caller.call(*(dispatched(run) for run in range(10, 60)))
    await caller.ear.hear_garbage(dispatched(60))
    caller.line.gate.clear()
    await caller.hear(*(dispatched(run) for run in range(70, 80)))
    await caller.hear_without_room(*(dispatched(run) for run in range(80, 90)))
    await caller.claim()
    await caller.worker.leases.renew_once()
    await caller.leases_run_out()
    await caller.reap()
    caller.line.gate.set()
    await caller.idle()
    await caller.hear_without_room(*(dispatched(run) for run in range(100, 110)))
    claimed = await caller.claims_and_vanishes()
    for one in claimed[:3]:
        await caller.stages.put_back(one, dispatched(one.run_id))
    for one in claimed[5:]:
        await caller.stages.start(one, dispatched(one.run_id), asyncio.get_running_loop().time(), None)
    await caller.leases_run_out()
    await caller.hear_without_room(*(dispatched(run) for run in range(200, 220)))
    for run in range(200, 210):
        await caller.start_passes(run)


@pytest.mark.integration
async def test_no_statement_reads_all_attempts(caller: Caller, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(
        lambda: live(caller), test_database, "caller", statements_at_least=8, lost="DROP INDEX caller.attempts_leased"
    )


@pytest.mark.integration
async def test_nor_does_one_that_was_planned_while_there_were_none(caller: Caller, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much_as_planned_while_empty(lambda: live(caller), test_database, "caller")


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_no_statement_reads_a_million_rows(caller: Caller, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(lambda: live(caller), test_database, "caller", rows=1_000_000)
