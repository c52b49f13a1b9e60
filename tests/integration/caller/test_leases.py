"""Leases: who has lost one writes nothing and says nothing, and hangs up by itself before anybody else may think so."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from services.caller.domain import attempt, limits
from services.caller.domain.attempt import Ended
from services.caller.domain.conversation import Conversation
from services.caller.domain.lease import Renewal, Renewed
from services.caller.edges import leases
from services.caller.edges.db.attempts import SqlAttempts
from shared.db.database import Database
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed
from tests.integration.caller.faults import DeafLine, UnreliableDatabase, waits_for_a_lock
from tests.integration.caller.instance import Caller, Callers, about_to_dial, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of
from tests.support.databases import TestDatabase
from tests.support.proxies import HOST, served
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
    await caller.has_started(11)


async def test_who_lost_the_token_is_refused_everything_and_says_nothing(caller: Caller) -> None:
    await caller.hear_without_room(*(dispatched(run_id) for run_id in (11, 12, 13)))
    one, two, three = sorted(await caller.claims_and_vanishes(), key=lambda claimed: claimed.run_id)
    now = asyncio.get_running_loop().time()
    assert await caller.stages.start(three, dispatched(13), now, None)
    for run_id in (11, 12, 13):
        await caller.token_is_replaced(run_id)
    assert not await caller.stages.start(two, dispatched(12), now, None)
    assert not await caller.stages.end(three, dispatched(13), Ended(now, HELD, ""), None)
    assert not await caller.stages.end(two, dispatched(12), Ended(None, HELD, "It broke"), None)
    await caller.stages.put_back(one, dispatched(11))
    async with caller.database.transaction() as transaction:
        attempts = SqlAttempts(transaction)
        renewals = [Renewal(*claimed.key, seconds=limits.LEASE_SECONDS, talked_ms=0) for claimed in (one, two, three)]
        assert await attempts.renew(renewals) == Renewed(frozenset(), frozenset())
        assert await attempts.refuse([one.key], attempt.UNREADABLE) == []
    assert [await caller.status(run_id) for run_id in (11, 12, 13)] == ["dialling", "dialling", "started"]
    assert [type(said) for said in await caller.said()] == [CallStarted], "what was true before the token was lost"


async def test_of_two_claims_of_a_run_that_come_to_a_commit_together_only_the_later_goes_on(caller: Caller) -> None:
    await caller.hear_without_room(dispatched(11))
    (first,) = await caller.claims_and_vanishes()
    await caller.stages.put_back(first, dispatched(11))
    (second,) = await caller.claims_and_vanishes()
    both, dispatch, now = (first, second), dispatched(11), asyncio.get_running_loop().time()
    assert await asyncio.gather(*(caller.stages.start(one, dispatch, now, None) for one in both)) == [False, True]
    end = Ended(now, HELD, "")
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
    (failed,) = ends_of(await caller.said(), 11)
    assert isinstance(failed, TestCallFailed)
    assert failed.error_message == attempt.LOST, "the token was still its own: so it says itself how the call ended"
    assert [turn.role for turn in failed.transcript] == ["assistant"]


async def test_a_call_that_hung_up_by_itself_is_given_up_by_another_if_it_can_say_nothing(
    callers: Callers, line: Line, unreliable: UnreliableDatabase
) -> None:
    caller, other = await callers.another(database=unreliable), await callers.another()
    await a_call_that_is_up(caller, line)
    unreliable.away = True
    caller.clock.now += OWN_SECONDS
    await eventually(line.is_quiet, what="the line is quiet")
    assert await other.value("SELECT lease_expires_at > now() FROM attempts"), "the database still counts it as held"
    await other.leases_run_out()
    await other.reap()
    unreliable.away = False
    await caller.idle()
    assert failures_of(await other.said(), 11) == [attempt.LOST], "once"


async def test_a_call_in_the_middle_of_a_long_sentence_is_hung_up_too(callers: Callers, line: Line) -> None:
    line.long_talk = "and so on " * 40
    caller = await callers.another(speed=1.0)
    await caller.hear(dispatched(11))
    await caller.claim()

    async def in_the_middle() -> bool:
        return line.lines[11] == 1 and caller.clock.looks >= before + 6

    async def talks() -> bool:
        return line.lines[11] == 1

    await eventually(talks)
    before = caller.clock.looks
    await eventually(in_the_middle)
    lines = line.lines[11]
    caller.clock.now += OWN_SECONDS
    await caller.idle()
    assert line.lines[11] == lines, "not another word"
    (failed,) = ends_of(await caller.said(), 11)
    assert failed.duration_seconds is not None
    assert 1 <= failed.duration_seconds < 40, "as long as it was"
    assert failed.transcript[-1].content.startswith("and so on")
    assert len(failed.transcript[-1].content) < len(line.long_talk.strip()), "as far as it got"


async def test_a_renewal_lets_the_call_go_on(caller: Caller, line: Line) -> None:
    await a_call_that_is_up(caller, line)
    for _ in range(4):
        caller.clock.now += limits.HEARTBEAT_SECONDS
        await caller.worker.leases.renew_once()
    await caller.clock.is_looked_at()
    assert line.up == [11]
    line.gate.set()
    await caller.idle()
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]


async def test_a_renewal_extends_the_database_s_lease_as_well(caller: Caller, line: Line) -> None:
    await a_call_that_is_up(caller, line)
    await caller.leases_run_out()
    await caller.worker.leases.renew_once()
    await caller.reap()
    assert await caller.status(11) == "started"


async def test_a_renewal_counts_from_when_it_was_sent(caller: Caller, line: Line, onlooker: asyncpg.Connection) -> None:
    await a_call_that_is_up(caller, line)
    async with onlooker.transaction():
        await onlooker.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        renewal = asyncio.create_task(caller.worker.leases.renew_once())
        await eventually(lambda: waits_for_a_lock(onlooker), what="the renewal was sent")
        caller.clock.now += OWN_SECONDS - 1  # the answer takes its time
    await renewal
    await caller.clock.is_looked_at()
    assert line.up == [11]
    caller.clock.now += 1
    await caller.idle()
    assert failures_of(await caller.said(), 11) == [attempt.LOST], "hung up, as if the answer had come at once"


async def test_what_somebody_else_has_locked_is_asked_for_again_and_holds_up_no_other(
    caller: Caller, line: Line, onlooker: asyncpg.Connection
) -> None:
    line.gate.clear()
    await caller.hear(dispatched(11), dispatched(12))
    await caller.claim()
    await eventually(line.is_up(11, 12))
    await caller.has_started(11, 12)
    await caller.leases_run_out()
    async with onlooker.transaction():
        await onlooker.execute("SELECT 1 FROM attempts WHERE run_id = 11 FOR UPDATE")
        assert not await asyncio.wait_for(caller.worker.leases.renew_once(), timeout=10), (
            "one is left to be asked again"
        )
        assert await caller.value("SELECT array_agg(run_id) FROM attempts WHERE lease_expires_at > now()") == [12]
        await caller.clock.is_looked_at()
        assert sorted(line.up) == [11, 12], "what is locked is not lost"
    assert await caller.worker.leases.renew_once()
    assert await caller.value("SELECT count(*) FROM attempts WHERE lease_expires_at > now()") == 2


async def test_the_heart_beats_on_whatever_a_renewal_fails_with(
    caller: Caller, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(leases, "RETRY_SECONDS", 0.01)
    beats = 0

    async def fails_once(self: SqlAttempts, renewals: Sequence[Renewal]) -> Renewed:
        nonlocal beats
        beats += 1
        if beats == 1:
            raise ValueError("nobody expected this")
        return await renew(self, renewals)

    renew = SqlAttempts.renew
    monkeypatch.setattr(SqlAttempts, "renew", fails_once)
    await a_call_that_is_up(caller, line)
    await caller.leases_run_out()
    beating = asyncio.create_task(caller.worker.leases.keep_for_ever())

    async def renewed() -> bool:
        return bool(await caller.value("SELECT lease_expires_at > now() FROM attempts"))

    await eventually(renewed)
    assert not beating.done()
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)


async def test_a_line_that_swallows_a_renewal_is_given_up_before_the_lease_is(
    callers: Callers, line: Line, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(leases, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(leases, "ANSWER_SECONDS", 1.0)
    url = make_url(test_database.url("caller"))
    assert url.port is not None
    async with served(DeafLine(url.port)) as wire:
        over_wire = url.set(host=HOST, port=wire.port).render_as_string(hide_password=False)
        own = Database(over_wire, schema="caller", pool_connections=1)
        caller = await callers.another(leases_database=own)
        await a_call_that_is_up(caller, line)
        assert await caller.worker.leases.renew_once(), "the one connection is open"
        renew = SqlAttempts.renew

        async def is_swallowed(self: SqlAttempts, renewals: Sequence[Renewal]) -> Renewed:
            wire.cut = not wire.swallowed_bytes  # its transaction has begun
            return await renew(self, renewals)

        monkeypatch.setattr(SqlAttempts, "renew", is_swallowed)
        beating = asyncio.create_task(caller.worker.leases.keep_for_ever())

        async def swallowed() -> bool:
            return wire.swallowed_bytes > 0

        await eventually(swallowed)
        wire.cut = False  # for new connections: what was swallowed is never answered
        await caller.leases_run_out()

        async def renewed() -> bool:
            return bool(await caller.value("SELECT lease_expires_at > now() FROM attempts"))

        await eventually(renewed, within_seconds=OWN_SECONDS / 2, what="a renewal over another connection")
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        line.gate.set()
        await caller.idle()
        await own.dispose()


async def test_no_lease_reaches_beyond_the_last_moment_of_its_run(caller: Caller, line: Line) -> None:
    line.gate.clear()
    await caller.hear(dispatched(11, starts_within_seconds=20.0))
    await caller.claim()
    await eventually(line.is_up(11))
    longest_seconds = limits.seconds_after_latest_start(1, speed=1.0)
    while caller.clock.now < 1_000.0 + 20.0 + longest_seconds - limits.HEARTBEAT_SECONDS:
        caller.clock.now += limits.HEARTBEAT_SECONDS
        await caller.worker.leases.renew_once()

    async def is_found_in_time() -> bool:
        await caller.worker.leases.renew_once()  # on a busy machine one may have taken too long
        left_seconds = await caller.value("SELECT extract(epoch FROM lease_expires_at - now()) FROM attempts")
        return bool(left_seconds < limits.HEARTBEAT_SECONDS + 0.1)

    await eventually(is_found_in_time, what="should the worker die now, its run is found in time as well")
    await caller.idle()
    assert failures_of(await caller.said(), 11) == [attempt.LOST], "hung up before that"


async def test_of_a_call_whose_worker_was_lost_it_is_known_how_far_it_had_come(callers: Callers, line: Line) -> None:
    caller, other = await callers.another(mortal=True), await callers.another()
    await a_call_that_is_up(caller, line)
    await caller.worker.leases.renew_once()
    caller.dies()
    await caller.leases_run_out()
    await other.reap()
    (failed,) = ends_of(await other.said(), 11)
    assert failures_of([failed], 11) == [attempt.LOST]
    assert failed.duration_seconds == 2, "the greeting takes 1.7 s of the call's own time"


async def test_a_call_whose_token_was_replaced_hangs_up_at_the_next_heartbeat(caller: Caller, line: Line) -> None:
    await a_call_that_is_up(caller, line)
    await caller.token_is_replaced(11)
    await caller.worker.leases.renew_once()
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


async def test_a_late_end_of_an_earlier_claim_does_not_take_a_later_one_away(caller: Caller, line: Line) -> None:
    line.gate.clear()
    first = await about_to_dial(caller)
    async with caller.database.transaction() as transaction:  # somebody else had it, and put it back
        await transaction.run(
            "UPDATE attempts SET status = 'waiting', lease_token = NULL, lease_expires_at = NULL, dispatch = :dispatch",
            dispatch=dispatched(11, direction="inbound").model_dump_json(),
        )
    await caller.claim()  # the same worker, under another token
    await eventually(line.waits(11, times=2))
    line.gates[11][1].set()
    await eventually(line.is_up(11))
    calls = {task for task in asyncio.all_tasks() if task.get_name() == "call 11"}
    first.set()
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert line.up == [11]
    assert len(caller.worker.held) == 1, "the call that is up is still held, counted and renewed"
    line.gate.set()
    await caller.idle()
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]
