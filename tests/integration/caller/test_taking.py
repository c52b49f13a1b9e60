"""What is heard is called at once, after one commit, while there is room and nobody waits; else it waits its turn."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.caller.domain import attempt
from shared.db.liveness import LiveConnection
from shared.db.transaction import Transaction
from shared.events.executions import CallStarted, TestCallCompleted, TestCallReturned
from shared.messaging.messages import Say
from tests.integration.caller.faults import waits_for_a_lock
from tests.integration.caller.instance import Caller, Callers, about_to_dial, dispatched
from tests.integration.caller.line import Line
from tests.integration.caller.outcomes import ends_of, failures_of, starts_of
from tests.support.some_events import of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

BIG, SMALL, TINY = 1, 2, 3


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts commits from now on."""
    counted = Counter[str]()
    execute = LiveConnection.execute

    async def counting(self: Any, statement: str, *arguments: Any) -> Any:
        counted[statement] += 1
        return await execute(self, statement, *arguments)

    monkeypatch.setattr(LiveConnection, "execute", counting)
    return counted


async def statuses(caller: Caller) -> dict[int, str]:
    """What the table says of each run."""
    async with caller.database.reading() as transaction:
        return {row.run_id: row.status for row in await transaction.rows("SELECT run_id, status FROM attempts")}


async def test_a_call_of_no_length_is_two_transactions_and_says_start_and_end_in_one(
    caller: Caller, line: Line, commits: Counter[str]
) -> None:
    await caller.worker.claims.claim_once()  # it may look once for what waits since before
    commits.clear()
    await caller.ear.applier.apply(caller.ear.poll(dispatched(11)), caller.ear.positions, caller.ear.offsets)
    await caller.idle()
    assert commits["COMMIT"] == 2
    assert await caller.value("SELECT count(DISTINCT CAST(xmin AS text)) FROM outbox") == 1
    assert [type(one) for one in await caller.said()] == [CallStarted, TestCallCompleted]


async def test_a_call_that_talks_is_three(caller: Caller, line: Line, commits: Counter[str]) -> None:
    line.gate.clear()
    await caller.ear.applier.apply(caller.ear.poll(dispatched(11)), caller.ear.positions, caller.ear.offsets)
    await caller.has_started(11)
    line.gate.set()
    await caller.idle()
    assert commits["COMMIT"] == 3
    assert [type(one) for one in await caller.said()] == [CallStarted, TestCallCompleted]


async def test_what_there_is_no_room_for_waits_and_the_organisations_share_the_room(
    callers: Callers, line: Line
) -> None:
    caller = await callers.another(calls_limit=4)
    line.gate.clear()
    big = [dispatched(run_id, org_id=BIG) for run_id in range(10, 20)]
    await caller.hear(*big, dispatched(20, org_id=SMALL), dispatched(21, org_id=TINY))
    await eventually(line.is_up(10, 11, 20, 21), what="each its turn")
    assert len(caller.worker.held) == 4
    assert Counter((await statuses(caller)).values())["waiting"] == 8
    line.gate.set()
    working = asyncio.create_task(caller.worker.claims.claim_for_ever())

    async def all_ended() -> bool:
        return set((await statuses(caller)).values()) == {"completed"}

    await eventually(all_ended, what="the rest is claimed as soon as there is room")
    assert line.placed == dict.fromkeys(range(10, 22), 1)
    assert line.max_up <= 4
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_what_waits_has_its_turn_before_what_is_heard_later(callers: Callers, line: Line) -> None:
    caller = await callers.another(calls_limit=2)
    await caller.hear_without_room(dispatched(20, org_id=SMALL))
    await caller.hear(*(dispatched(run_id, org_id=BIG) for run_id in range(10, 13)))
    assert set((await statuses(caller)).values()) == {"waiting"}
    line.gate.clear()
    await caller.claim()
    await eventually(line.is_up(10, 20), what="the one that waited, and one of the others")


async def test_what_is_overdue_keeps_nobody_waiting(caller: Caller, line: Line) -> None:
    await caller.hear_without_room(dispatched(20, starts_within_seconds=-1))
    line.gate.clear()
    await caller.hear(dispatched(11))
    await eventually(line.is_up(11), what="it is called")


async def test_what_comes_too_late_is_not_taken(caller: Caller, line: Line) -> None:
    await caller.hear(dispatched(11, starts_within_seconds=-1), dispatched(12))
    await caller.idle()
    assert (await statuses(caller), line.placed) == ({11: "waiting", 12: "completed"}, {12: 1})


async def test_a_poll_that_fails_calls_nobody_and_gives_its_room_back(
    callers: Callers, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await callers.another(calls_limit=2)

    async def fails(transaction: Transaction, says: list[Say]) -> None:
        raise ConnectionRefusedError

    for _ in range(3):
        with monkeypatch.context() as patched:
            patched.setattr(caller.ear.outbox, "write", fails)
            with pytest.raises(ConnectionRefusedError):
                await caller.hear(dispatched(11), dispatched(12))
        assert (line.placed, await statuses(caller), caller.worker.taking.room) == ({}, {}, 2)
    await caller.call(dispatched(11), dispatched(12))
    assert line.placed == {11: 1, 12: 1}


async def test_room_is_reserved_while_a_poll_is_being_committed(
    callers: Callers, line: Line, onlooker: asyncpg.Connection
) -> None:
    caller = await callers.another(calls_limit=1)
    line.gate.clear()
    async with onlooker.transaction():
        await onlooker.execute("LOCK TABLE attempts IN EXCLUSIVE MODE")
        hearing = asyncio.create_task(caller.hear(dispatched(11)))
        await eventually(lambda: waits_for_a_lock(onlooker), what="it is being taken")
        assert not await caller.worker.claims.claim_once(), "there is no room for others meanwhile"
        await onlooker.execute(
            "INSERT INTO attempts (run_id, org_id, dispatch, status, start_before)"
            " VALUES (12, 2, $1, 'waiting', now() + interval '60 s')",
            dispatched(12).model_dump_json(),
        )
    await hearing
    await caller.claim()
    await eventually(line.is_up(11))
    assert (len(caller.worker.held), await caller.status(12)) == (1, "waiting")


async def test_a_poll_that_is_on_its_way_belongs_to_what_is_drained(
    caller: Caller, line: Line, onlooker: asyncpg.Connection
) -> None:
    async with onlooker.transaction():
        await onlooker.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        hearing = asyncio.create_task(caller.hear(dispatched(11)))
        await eventually(lambda: waits_for_a_lock(onlooker), what="it is being taken")
        draining = asyncio.create_task(caller.worker.draining.drain())
        done, _ = await asyncio.wait({draining}, timeout=0.2)
    assert not done, "what is taken after the process was thought to be empty is lost with it"
    await asyncio.gather(hearing, draining)
    assert [type(one) for one in ends_of(await caller.said(), 11)] == [TestCallCompleted]
    await caller.hear(dispatched(12))
    assert await caller.status(12) == "waiting", "who drains takes nothing more"


async def test_two_instances_that_hear_the_same_call_it_once(callers: Callers, line: Line) -> None:
    first, second = await callers.another(), await callers.another()
    runs = range(100, 140)
    dispatches = [dispatched(run_id) for run_id in runs]
    for _ in range(3):
        for hearing in asyncio.as_completed([first.hear(*dispatches), second.hear(*reversed(dispatches))]):
            with suppress(asyncpg.DeadlockDetectedError):  # it would be tried again
                await hearing
    for one in (first, second):
        await one.idle()
        await one.claim()
        await one.idle()
    assert line.placed == dict.fromkeys(runs, 1)
    said = [*await first.said(), *second.told]
    assert sorted(one.run_id for one in of(said, TestCallCompleted)) == list(runs)


@pytest.mark.parametrize("dies", ["before the contact", "in the contact", "after it, before the start is said"])
async def test_a_worker_that_dies_after_it_took_a_run_means_failed_and_nobody_calls_again(
    callers: Callers, line: Line, dies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.caller.edges.db.stages.START_PAUSE_SECONDS", 3_600)
    caller, other = await callers.another(mortal=True), await callers.another()

    async def die(run_id: int) -> None:
        caller.dies()

    line.gate.clear()
    if dies == "before the contact":
        caller.dies()
    elif dies == "in the contact":
        line.on_contact = die
    await caller.hear(dispatched(11))
    if dies == "before the contact":
        assert await other.status(11) == "dialling"
    elif dies == "in the contact":
        await eventually(lambda: contacted(line), what="the agent is called")
    else:
        await eventually(line.is_up(11))
        caller.dies()
    placed = line.placed[11]
    await other.leases_run_out()
    await other.reap()
    (failed,) = await other.call(dispatched(11))
    assert failures_of([failed], 11) == [attempt.LOST]
    assert (ends_of([failed], 11)[0].started_at, line.placed[11]) == (None, placed), "a start that nobody said was none"


async def contacted(line: Line) -> bool:
    """Say whether the agent has heard of run 11."""
    return line.placed[11] == 1


async def test_the_prompt_of_what_is_in_hand_is_in_no_table(callers: Callers, line: Line) -> None:
    caller = await callers.another()
    line.gate.clear()
    await caller.hear_without_room(dispatched(12))
    await caller.claim()
    await caller.hear(dispatched(11))
    await eventually(line.is_up(11, 12))
    assert await caller.value("SELECT count(dispatch) FROM attempts") == 0


async def test_a_later_dispatch_of_what_is_put_back_afterwards_counts(callers: Callers, line: Line) -> None:
    caller = await callers.another(drain_seconds=0.0)
    await about_to_dial(caller)
    await caller.hear(dispatched(11, dispatch_no=2, starts_within_seconds=-1))
    await caller.worker.draining.drain()
    assert await caller.status(11) == "waiting"
    await caller.reap()
    assert [one.dispatch_no for one in of(await caller.said(), TestCallReturned)] == [2], "the last one goes back"


@pytest.mark.parametrize("held_up", ["by a lock", "and overtaken by the end"])
async def test_a_start_that_is_committed_late_is_stamped_when_the_agent_had_answered(
    caller: Caller, line: Line, onlooker: asyncpg.Connection, held_up: str
) -> None:
    contacts: list[Any] = []

    async def look(run_id: int) -> None:
        contacts.append(await onlooker.fetchval("SELECT clock_timestamp()"))

    line.on_contact = look
    line.gate.clear()
    await caller.hear(dispatched(11))
    await eventually(line.is_up(11))
    answered_by = await onlooker.fetchval("SELECT clock_timestamp()")
    async with onlooker.transaction():
        await onlooker.execute("SELECT 1 FROM attempts FOR UPDATE")
        await eventually(lambda: waits_for_a_lock(onlooker), what="the start waits")
        if held_up == "and overtaken by the end":
            line.gate.set()
            await eventually(line.is_quiet)
        await onlooker.execute("SELECT pg_sleep(0.5)")
    line.gate.set()
    await caller.idle()
    said = await caller.said()
    (started,) = starts_of(said, 11)
    assert contacts[0] <= started.started_at <= answered_by + timedelta(seconds=0.25), "the lock was held for longer"
    assert [type(one) for one in said] == [CallStarted, TestCallCompleted]
    assert ends_of(said, 11)[0].started_at == started.started_at
