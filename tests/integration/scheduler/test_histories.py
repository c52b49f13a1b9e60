"""Random histories: several instances hear and tick, events come twice and in any order among topics."""

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.events.event import Event
from shared.events.register import BY_EVENT
from shared.events.requests import TestCallRequested
from tests.integration.scheduler.conftest import MakeScheduler, Scheduler, slots
from tests.support.some_events import completed, declined, failed, requested, reserved, started

pytestmark = pytest.mark.integration

HISTORIES = 12
CAMPAIGN_HISTORIES = 600
INSTANCES = 3
STAGGER_SECONDS = 5
MAX_STEPS = 400

COUNTS = """
SELECT coalesce(bool_and(in_use = up AND in_use <= max_concurrent_runs), true) FROM (
    SELECT orgs.org_id, in_use, max_concurrent_runs, count(runs.run_id) AS up
    FROM orgs LEFT JOIN runs ON runs.org_id = orgs.org_id AND runs.status = 'dispatched'
    GROUP BY orgs.org_id
) AS counted
"""


@dataclass
class Story:
    """What the other services have published and not yet been heard for, and what the scheduler has done."""

    chance: random.Random
    first_id: int
    to_hear: list[Event] = field(default_factory=list)
    requests: list[TestCallRequested] = field(default_factory=list)
    declined: set[int] = field(default_factory=set)
    dispatched: Counter[int] = field(default_factory=Counter)

    def begin(self) -> list[Event]:
        """Organisations with their limits, and what they ask for."""
        run_id = self.first_id
        limits: list[Event] = []
        for org_id in (self.first_id, self.first_id + 1):
            limits.append(slots(self.chance.randint(1, 3), org_id=org_id))
            for _ in range(self.chance.randint(1, 4)):
                runs = list(range(run_id, run_id + self.chance.randint(1, 4)))
                run_id = runs[-1] + 1
                stagger = self.chance.choice((0, STAGGER_SECONDS)) if len(runs) > 1 else 0
                request = requested(*runs, org_id=org_id, stagger_seconds=stagger)
                self.requests.append(request)
                self.publish(request)
                if self.chance.random() < 0.2:
                    self.declined.update(runs)
                    self.publish(declined(runs[0], org_id))
                else:
                    self.publish(reserved(*runs, org_id=org_id))
        return limits

    def publish(self, event: Event) -> None:
        """Other topics are read sooner or later: a place at random, and sometimes twice."""
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            self.to_hear.insert(self.chance.randint(0, len(self.to_hear)), event)

    def call(self, run_id: int) -> None:
        """The caller places the call, or not."""
        request = next(one for one in self.requests if run_id in [run.run_id for run in one.runs])
        if self.chance.random() < 0.8:
            self.publish(started(run_id, org_id=request.org_id, batch_id=request.batch_id, at=datetime.now(UTC)))
            self.publish(completed(run_id, org_id=request.org_id))
        else:
            self.publish(failed(run_id, org_id=request.org_id))

    @property
    def expected(self) -> set[int]:
        return {run.run_id for one in self.requests for run in one.runs} - self.declined


def reader_of(event: Event) -> int:
    """A topic is read by one instance at a time."""
    return len(BY_EVENT[type(event)].topic.name) % INSTANCES


async def tell(story: Story, instances: list[Scheduler]) -> None:
    """Let a history happen until every run that was paid for has been dispatched and has ended."""
    first = instances[0]
    await first.hear(*story.begin())
    for _ in range(MAX_STEPS):
        heard = [story.to_hear.pop(0) for _ in range(min(len(story.to_hear), story.chance.randint(0, 4)))]
        by_instance = [[event for event in heard if reader_of(event) == nth] for nth in range(len(instances))]
        await asyncio.gather(*(one.hear(*some) for one, some in zip(instances, by_instance, strict=True) if some))
        ticks = await asyncio.gather(*(one.tick() for one in instances if story.chance.random() < 0.6))
        for run_id in (run_id for some in (*ticks, *(one.dispatched() for one in instances)) for run_id in some):
            story.dispatched[run_id] += 1
            story.call(run_id)
        assert await first.value(COUNTS), "slots in use are the dispatched runs, and within the limit"
        if not story.to_hear and set(story.dispatched) == story.expected:
            break
        if not story.to_hear:
            await first.time_passes(STAGGER_SECONDS + 0.1)
    assert story.dispatched == Counter(dict.fromkeys(story.expected, 1)), "each paid run is dispatched, once"
    assert await first.value("SELECT coalesce(sum(in_use), 0) FROM orgs") == 0, "every slot is free again"
    assert await first.value("SELECT count(*) FROM requests") == 0, "nothing is kept of what has ended"
    assert not any(one.ear.dead for one in instances)


async def run_histories(seeds: range, make_scheduler: MakeScheduler) -> None:
    instances = [await make_scheduler(partition) for partition in range(INSTANCES)]
    for seed in seeds:
        try:
            await tell(Story(random.Random(seed), first_id=1_000 * (seed + 1)), instances)
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error


async def test_every_paid_run_is_dispatched_once_whatever_the_order(make_scheduler: MakeScheduler) -> None:
    await run_histories(range(HISTORIES), make_scheduler)


@pytest.mark.campaign
async def test_hundreds_of_histories(make_scheduler: MakeScheduler) -> None:
    first = int(os.environ.get("REHEARSAL_SEED", "100000"))
    await run_histories(range(first, first + CAMPAIGN_HISTORIES), make_scheduler)
