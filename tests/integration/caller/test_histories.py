"""Random histories: several workers that come and go, lost leases, duplicates, garbage, reaping at any time."""

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from services.caller.domain import attempt
from services.caller.domain.turn import PartyError, Reply
from shared.events.admissions import TestCallDispatched
from shared.events.event import Event
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed, TestCallReturned
from tests.integration.caller.instance import Caller, Callers, dispatched
from tests.integration.caller.line import Line
from tests.support.some_events import of

pytestmark = pytest.mark.integration

HISTORIES = 40
CAMPAIGN_HISTORIES = 800
INSTANCES = 3
STEPS = 25
ROUNDS_TO_END = 30
LEASE_LOST_SECONDS = 20.0
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
                self.die,
                self.late,
            )
            await asyncio.gather(*(step() for step in self.chance.sample(steps, k=self.chance.randint(1, 3))))
        self.line.gate.set()
        for _ in range(ROUNDS_TO_END):
            for one in self.alive:
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
        ear = self.alive[0].ear  # a run's partition is read by one instance at a time
        if self.chance.random() < 0.2:
            self.said += await ear.hear_garbage(poll[-1])
        self.said += await ear.hear(*poll)

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

    async def claim(self) -> None:
        await self.one.claim()

    async def gate(self) -> None:
        (self.line.gate.clear if self.line.gate.is_set() else self.line.gate.set)()

    async def reap(self) -> None:
        await self.one.reap()

    async def renew(self) -> None:
        await self.one.worker.leases.renew_once()

    async def lose(self) -> None:
        """The database's clock passes some leases, whoever holds them."""
        if self.dispatches:
            picked = self.chance.sample(self.dispatches, k=self.chance.randint(1, len(self.dispatches)))
            await self.one.leases_run_out(*(one.run_id for one in picked))

    async def die(self) -> None:
        """An instance is gone, with all its calls; another takes its place. The first one reads on."""
        if self.chance.random() < 0.3:
            victim = self.chance.choice(self.alive[1:])
            victim.dies()
            self.alive[self.alive.index(victim)] = await self.callers.another(mortal=True, calls_limit=4)

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


async def run_histories(seeds: range, callers: Callers, line: Line) -> None:
    outcomes = Counter[str]()
    for seed in seeds:
        alive = [await callers.another(mortal=True, calls_limit=4) for _ in range(INSTANCES)]
        story = Story(random.Random(seed), callers, line, first_id=1_000 * (seed + 1), alive=alive)
        try:
            await story.tell()
            outcomes += story.assert_it_ended_well()
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
        completed = await alive[0].value("SELECT count(*) FILTER (WHERE status = 'completed') FROM attempts")
        assert completed == outcomes[""], "the table says what the events say"
        await callers.stop()
    everything = {"", attempt.LOST, "returned", attempt.NO_SIP, attempt.UNREADABLE, "The line broke"}
    assert set(outcomes) == everything, f"the histories have everything in them: {outcomes}"


async def test_every_run_ends_once_whatever_happens_to_its_workers(callers: Callers, line: Line) -> None:
    await run_histories(range(HISTORIES), callers, line)


@pytest.mark.campaign
async def test_thousands_of_histories(callers: Callers, line: Line) -> None:
    first = int(os.environ.get("REHEARSAL_SEED", "100000"))
    await run_histories(range(first, first + CAMPAIGN_HISTORIES), callers, line)
