"""Leases: who has lost one writes nothing and says nothing, and hangs up by itself before anybody else may think so."""

import asyncio

import asyncpg
import pytest

from services.caller.domain import attempt, limits
from services.caller.domain.attempt import Ended
from services.caller.domain.conversation import Conversation
from services.caller.edges.db.attempts import SqlAttempts
from shared.events.executions import CallStarted, TestCallCompleted
from tests.integration.caller.faults import SlowToDial, waits_for_a_lock
from tests.integration.caller.instance import Caller, Callers, dispatched, slow
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

OWN_SECONDS = limits.LEASE_SECONDS - limits.LEASE_MARGIN_SECONDS
HELD = Conversation((), "caller_hangup", 1_000)


async def a_call_that_is_up(caller: Caller, line: Line) -> None:
    """Run 11, which talks until the gate opens."""
    line.gate.clear()
    await caller.hear(dispatched(11))
    await caller.claim()
    await eventually(line.is_up(11), what="the call is up")


async def test_who_lost_the_token_is_refused_everything_and_says_nothing(caller: Caller) -> None:
    await caller.hear(*(dispatched(run_id) for run_id in (11, 12, 13)))
    one, two, three = sorted(await caller.claims_and_vanishes(), key=lambda claimed: claimed.run_id)
    assert await caller.stages.dial(two)
    assert await caller.stages.dial(three)
    started_at = await caller.stages.start(three, dispatched(13), None)
    for run_id in (11, 12, 13):
        await caller.token_is_replaced(run_id)
    assert not await caller.stages.dial(one)
    assert await caller.stages.start(two, dispatched(12), None) is None
    assert not await caller.stages.end(three, dispatched(13), Ended(started_at, HELD, ""), None)
    assert not await caller.stages.end(two, dispatched(12), Ended(None, HELD, "It broke"), None)
    async with caller.database.transaction() as transaction:
        attempts = SqlAttempts(transaction, poke=lambda: None)
        mine = [(claimed.run_id, claimed.token) for claimed in (one, two, three)]
        assert await attempts.renew(mine) == frozenset()
        await attempts.put_back(mine)
    assert [await caller.status(run_id) for run_id in (11, 12, 13)] == ["claimed", "dialling", "started"]
    assert [type(said) for said in await caller.said()] == [CallStarted], "what was true before the token was lost"


async def test_of_two_claims_of_a_run_that_come_to_a_commit_together_only_the_later_goes_on(caller: Caller) -> None:
    await caller.hear(dispatched(11))
    (first,) = await caller.claims_and_vanishes()
    await caller.leases_run_out()
    await caller.reap()
    (second,) = await caller.claims_and_vanishes()
    both, dispatch = (first, second), dispatched(11)
    assert await asyncio.gather(*(caller.stages.dial(one) for one in both)) == [False, True], "one call, not two"
    early, started_at = await asyncio.gather(*(caller.stages.start(one, dispatch, None) for one in both))
    assert (early, started_at is not None) == (None, True)
    end = Ended(started_at, HELD, "")
    assert await asyncio.gather(*(caller.stages.end(one, dispatch, end, None) for one in both)) == [False, True]
    assert [type(one) for one in await caller.said()] == [CallStarted, TestCallCompleted]


async def test_a_call_is_hung_up_before_its_lease_ends_if_nothing_renews_it(caller: Caller, line: Line) -> None:
    await a_call_that_is_up(caller, line)
    caller.clock.now += OWN_SECONDS - 0.01
    await caller.clock.is_looked_at()
    assert line.up == [11]
    caller.clock.now += 0.01
    await caller.idle()
    await eventually(line.is_quiet, what="the line is quiet")
    assert await caller.value("SELECT lease_expires_at > now() FROM attempts"), "the database still counts it as held"
    assert ends_of(await caller.said(), 11) == [], "whoever finds it lost will say so"
    await caller.leases_run_out()
    await caller.reap()
    assert failures_of(await caller.said(), 11) == [attempt.LOST]


async def test_a_call_in_the_middle_of_a_long_sentence_is_hung_up_too(callers: Callers, line: Line) -> None:
    line.long_talk = "and so on " * 40
    caller = await callers.another(speed=1.0)
    await caller.hear(dispatched(11))
    await caller.claim()

    async def placed() -> bool:
        return await caller.status(11) == "started"

    await eventually(placed)
    lines = line.lines[11]
    caller.clock.now += OWN_SECONDS
    await caller.idle()
    assert line.lines[11] == lines, "not another word"
    assert ends_of(await caller.said(), 11) == []


async def test_a_renewal_lets_the_call_go_on(caller: Caller, line: Line) -> None:
    await a_call_that_is_up(caller, line)
    for _ in range(4):
        caller.clock.now += limits.HEARTBEAT_SECONDS
        await caller.worker.renew_once()
    await caller.clock.is_looked_at()
    assert line.up == [11]
    line.gate.set()
    await caller.idle()
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]


async def test_a_renewal_extends_the_database_s_lease_as_well(caller: Caller, line: Line) -> None:
    await a_call_that_is_up(caller, line)
    await caller.leases_run_out()
    await caller.worker.renew_once()
    await caller.reap()
    assert await caller.status(11) == "started"


async def test_a_renewal_counts_from_when_it_was_sent(caller: Caller, line: Line, onlooker: asyncpg.Connection) -> None:
    await a_call_that_is_up(caller, line)
    async with onlooker.transaction():
        await onlooker.execute("SELECT 1 FROM attempts FOR UPDATE")
        renewal = asyncio.create_task(caller.worker.renew_once())
        await eventually(lambda: waits_for_a_lock(onlooker), what="the renewal was sent")
        caller.clock.now += OWN_SECONDS - 1  # the answer takes its time
    await renewal
    await caller.clock.is_looked_at()
    assert line.up == [11]
    caller.clock.now += 1
    await caller.idle()
    assert ends_of(await caller.said(), 11) == [], "hung up, as if the answer had come at once"


async def test_a_call_whose_token_was_replaced_hangs_up_at_the_next_heartbeat(caller: Caller, line: Line) -> None:
    await a_call_that_is_up(caller, line)
    await caller.token_is_replaced(11)
    await caller.worker.renew_once()
    await caller.idle()
    await eventually(line.is_quiet, what="the line is quiet")
    assert await caller.status(11) == "started", "what it was is the new owner's to change"
    assert ends_of(await caller.said(), 11) == []


async def test_a_call_that_was_given_up_by_another_ends_once_though_it_goes_on_here(
    callers: Callers, line: Line
) -> None:
    caller, other = await callers.another(), await callers.another()
    await a_call_that_is_up(caller, line)
    await caller.leases_run_out()
    await other.reap()
    line.gate.set()
    await caller.idle()
    assert failures_of(await caller.said(), 11) == [attempt.LOST]
    assert len(ends_of(await caller.said(), 11)) == 1
    assert line.placed == {11: 1}


async def test_a_late_end_of_an_earlier_claim_does_not_take_a_later_one_away(callers: Callers, line: Line) -> None:
    caller = await callers.another(around=SlowToDial)
    line.gate.clear()
    await caller.hear(dispatched(11))
    await caller.claim()
    await eventually(slow(caller).waits(11))
    await caller.leases_run_out()
    await caller.reap()
    await caller.claim()  # the same worker, under another token
    await eventually(slow(caller).waits(11, times=2))
    first, second = slow(caller).gates[11]
    second.set()
    await eventually(line.is_up(11))
    calls = {task for task in asyncio.all_tasks() if task.get_name() == "call 11"}
    first.set()
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert line.up == [11]
    assert caller.worker.calls_up() == 1, "the call that is up is still held, counted and renewed"
    line.gate.set()
    await caller.idle()
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]
