"""Random histories: workers come, go and die; leases and answers get lost; duplicates, garbage, reaping at any time."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
import pytest

from services.caller.domain import attempt
from services.caller.domain.turn import PartyError, Reply
from shared.events.admissions import TestCallDispatched
from shared.events.event import Event
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed, TestCallReturned
from shared.messaging.offsets import StaleConsumer
from tests.integration.caller.faults import UnreliableDatabase
from tests.integration.caller.instance import Caller, Callers, dispatched
from tests.integration.caller.line import Line
from tests.support.some_events import cancel_passed_on, of

pytestmark = pytest.mark.integration

HISTORIES = 40
CAMPAIGN_HISTORIES = 800
INSTANCES = 3
STEPS = 25
ROUNDS_TO_END = 30
LEASE_LOST_SECONDS = 20.0
LOST_ANSWERS = (ConnectionResetError, asyncpg.DeadlockDetectedError)
ENDINGS = (Reply("Thank you, goodbye.", "hang_up"), Reply("I'll wait.", "transfer"), PartyError("The line broke"))


@dataclass
class Story:
    """What was dispatched, who is alive, and what has been said."""

    chance: random.Random
    callers: Callers
    line: Line
    first_id: int
    alive: list[Caller] = field(default_factory=list)
    dispatches: list[TestCallDispatched] = field(default_factory=list)
    said: list[Event] = field(default_factory=list)

    async def tell(self) -> None:
        """Let things happen, several at a time, then let them settle."""
        for _ in range(STEPS):
            steps = (
                self.hear,
                self.claim,
                self.claim,
                self.gate,
                self.reap,
                self.renew,
                self.lose,
                self.forget,
                self.die,
                self.leave,
                self.late,
                self.dawdle,
                self.cancel,
            )
            await asyncio.gather(*(step() for step in self.chance.sample(steps, k=self.chance.randint(1, 3))))
        self.line.gate.set()
        self.hurry()
        for one in self.alive:
            database_of(one).loses_the_next_answer = database_of(one).loses_the_next_commit = False
        for _ in range(ROUNDS_TO_END):
            for one in self.alive:
                await one.worker.taking.undoubted(10.0)
                await one.claim()
                await one.idle()
            await self.one.leases_run_out()
            await self.one.reap()
            if not await self.one.value("SELECT count(*) FROM attempts WHERE ended_at IS NULL"):
                break
        self.said += await self.one.ear.said()

    @property
    def one(self) -> Caller:
        return self.chance.choice(self.alive)

    async def hear(self) -> None:
        """Dispatches: new ones and old ones again; some too late, some over SIP, some that nobody can read."""
        poll = self.chance.sample(self.dispatches, k=min(len(self.dispatches), self.chance.randint(0, 2)))
        self.said += await self.one.ear.said()
        again = self.dispatched_again()
        self.dispatches += again
        poll += again
        for _ in range(self.chance.randint(1, 4)):
            run_id = self.first_id + len(self.last_dispatches())
            self.line.last_words[run_id] = self.chance.choice(ENDINGS)
            self.dispatches.append(
                dispatched(
                    run_id,
                    starts_within_seconds=self.chance.choice((-1, 60, 60, 60, 60)),
                    mode=self.chance.choice(("bot",) * 9 + ("sip",)),
                    direction=self.chance.choice(("inbound", "outbound")),
                )
            )
            poll += [self.dispatches[-1]] * self.chance.choice((1, 1, 2))
        one = self.one
        if self.chance.random() < 0.2:
            try:
                self.said += await one.ear.hear_garbage(poll[-1])
            except LOST_ANSWERS:
                await one.ear.find_its_place()
        if self.chance.random() < 0.2:  # a partition moves to another instance, and both hear the same
            await asyncio.gather(self.heard_by(one, poll), self.heard_by(self.one, poll))
        else:
            await self.heard_by(one, poll)

    async def heard_by(self, one: Caller, poll: Sequence[Event]) -> None:
        """Hear a poll, again and again until it is consumed, as the consumer does."""
        while one in self.alive:
            try:
                self.said += await one.ear.hear(*poll)
            except StaleConsumer:
                await one.ear.find_its_place()
            except LOST_ANSWERS:
                continue
            return

    def dispatched_again(self) -> list[TestCallDispatched]:
        """The scheduler dispatches anew what was returned, in time or not."""
        last = self.last_dispatches()
        again = []
        for run_id, number in {(one.run_id, one.dispatch_no) for one in of(self.said, TestCallReturned)}:
            if number == last[run_id].dispatch_no and self.chance.random() < 0.7:
                start_before = dispatched(1, starts_within_seconds=self.chance.choice((-1, 60))).start_before
                update = {"dispatch_no": number + 1, "start_before": start_before}
                again.append(last[run_id].model_copy(update=update))
        return again

    def last_dispatches(self) -> dict[int, TestCallDispatched]:
        """The last dispatch of each run."""
        return {one.run_id: one for one in sorted(self.dispatches, key=lambda one: one.dispatch_no)}

    async def cancel(self) -> None:
        """Some that were dispatched are to be canceled, whoever has them, again as well."""
        if self.dispatches and self.chance.random() < 0.5:
            picked = self.chance.sample(self.dispatches, k=1)
            await self.heard_by(self.one, [cancel_passed_on(one.run_id) for one in picked])

    async def claim(self) -> None:
        with suppress(*LOST_ANSWERS):
            await self.one.claim()

    async def gate(self) -> None:
        (self.line.gate.clear if self.line.gate.is_set() else self.line.gate.set)()

    async def reap(self) -> None:
        with suppress(*LOST_ANSWERS):
            await self.one.reap()

    async def renew(self) -> None:
        with suppress(*LOST_ANSWERS):
            await self.one.worker.leases.renew_once()

    async def lose(self) -> None:
        """The database's clock passes some leases, whoever holds them."""
        if self.dispatches:
            picked = self.chance.sample(self.dispatches, k=self.chance.randint(1, len(self.dispatches)))
            await self.one.leases_run_out(*(one.run_id for one in picked))

    async def forget(self) -> None:
        """The next commit of an instance is not answered, and maybe not even heard."""
        database = database_of(self.one)
        if self.chance.random() < 0.5:
            database.loses_the_next_answer = True
        else:
            database.loses_the_next_commit = True

    async def die(self) -> None:
        """An instance is gone, with all its calls; another takes its place."""
        if self.chance.random() < 0.3:
            victim = await self.replaced()
            victim.dies()

    async def leave(self) -> None:
        """An instance is told to stop, and to wait for nothing; another takes its place."""
        if self.chance.random() < 0.1:
            going = await self.replaced()
            await going.worker.draining.drain()

    async def replaced(self) -> Caller:
        """Put a new instance in the place of one."""
        new = await an_instance(self.callers)
        going = self.one
        self.alive[self.alive.index(going)] = new
        return going

    async def dawdle(self) -> None:
        """Bots that answer the phone take their time before they say hello, until they do."""
        self.line.slow_to_dial = not self.line.slow_to_dial
        if not self.line.slow_to_dial:
            self.hurry()

    def hurry(self) -> None:
        """Let all bots say hello."""
        self.line.slow_to_dial = False
        for gate in [gate for gates in self.line.gates.values() for gate in gates]:
            gate.set()

    async def late(self) -> None:
        """An instance was suspended for long, and finds its leases over."""
        self.one.clock.now += LEASE_LOST_SECONDS

    def assert_it_ended_well(self) -> Counter[str]:
        """Each run ended once, was called once at most, and started before it ended."""
        outcomes = Counter[str]()
        for run_id, last in self.last_dispatches().items():
            mine = [one for one in self.said if getattr(one, "run_id", None) == run_id]
            starts = [one for one in mine if isinstance(one, CallStarted)]
            ends = [one for one in mine if isinstance(one, (TestCallCompleted, TestCallFailed))]
            returns = {one.dispatch_no for one in mine if isinstance(one, TestCallReturned)}
            if last.dispatch_no in returns:
                assert not ends, f"run {run_id} was given back, and ended nevertheless"
                assert not self.line.placed[run_id], f"run {run_id} was given back and called"
                outcomes["returned"] += 1
                continue
            assert len(ends) == 1, f"run {run_id} has one end, not {len(ends)}"
            assert mine[-1] is ends[0], f"run {run_id} says nothing after its end"
            assert len(starts) <= 1, f"run {run_id} started {len(starts)} times"
            assert self.line.placed[run_id] <= 1, f"run {run_id} was called {self.line.placed[run_id]} times"
            if starts:
                assert self.line.placed[run_id] == 1
                assert (ends[0].call_id, ends[0].started_at) == (starts[0].call_id, starts[0].started_at)
            else:
                assert isinstance(ends[0], TestCallFailed)
                assert ends[0].started_at is None
            outcomes["" if isinstance(ends[0], TestCallCompleted) else ends[0].error_message] += 1
        return outcomes


def database_of(one: Caller) -> UnreliableDatabase:
    """An instance's own database."""
    assert isinstance(one.database, UnreliableDatabase)
    return one.database


async def an_instance(callers: Callers) -> Caller:
    """An instance that may die, on a line that may break; told to stop, it hangs up."""
    database = UnreliableDatabase(callers.database.url, schema="caller", pool_connections=3)
    return await callers.another(database=database, mortal=True, calls_limit=4, drain_seconds=0.0)


async def run_histories(seeds: range, callers: Callers, line: Line) -> None:
    outcomes = Counter[str]()
    for seed in seeds:
        made = len(callers.made)
        alive = [await an_instance(callers) for _ in range(INSTANCES)]
        story = Story(random.Random(seed), callers, line, first_id=1_000 * (seed + 1), alive=alive)
        try:
            await story.tell()
            outcomes += story.assert_it_ended_well()
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
        completed = await alive[0].value("SELECT count(*) FILTER (WHERE status = 'completed') FROM attempts")
        assert completed == outcomes[""], "the table says what the events say"
        await callers.stop()
        for one in callers.made[made:]:
            await one.database.dispose()
    everything = {
        "",
        attempt.CANCELED,
        attempt.LOST,
        attempt.SHUT_DOWN,
        "returned",
        attempt.NO_SIP,
        attempt.UNREADABLE,
        "The line broke",
    }
    assert set(outcomes) == everything, f"the histories have everything in them: {outcomes}"


async def test_every_run_ends_once_whatever_happens_to_its_workers(callers: Callers, line: Line) -> None:
    await run_histories(range(HISTORIES), callers, line)


@pytest.mark.campaign
async def test_thousands_of_histories(callers: Callers, line: Line) -> None:
    first = int(os.environ.get("REHEARSAL_SEED", "100000"))
    await run_histories(range(first, first + CAMPAIGN_HISTORIES), callers, line)
