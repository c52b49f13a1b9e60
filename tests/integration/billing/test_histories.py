"""Random histories: topics are read in any interleaving, in polls of any size, with records that come twice."""

import os
import random
from collections import Counter, deque
from dataclasses import dataclass, field

import pytest

from shared.db.database import Database
from shared.errors import NotYet
from shared.events.billing import BalanceChanged, ChargeSettled, FundsDeclined, FundsReserved, ReservationReleased
from shared.events.event import Event
from shared.events.executions import TestCallCompleted
from shared.events.register import BY_EVENT
from shared.events.requests import TestCallRequested
from tests.integration.billing.conftest import adjusted, deposited
from tests.support.ear import Ear
from tests.support.ledger import assert_the_ledger_is_sound
from tests.support.some_events import completed, expired, failed, requested

pytestmark = pytest.mark.integration

HISTORIES = 40
CAMPAIGN_HISTORIES = 3_000
ORGS = 2


@dataclass
class Story:
    """A history in the making: what the other services have published, and what billing has said so far."""

    chance: random.Random
    first_id: int
    logs: dict[str, deque[Event]] = field(default_factory=dict)
    deposits: dict[tuple[int, str], int] = field(default_factory=dict)  # and adjustments
    requests: dict[int, TestCallRequested] = field(default_factory=dict)
    completions: dict[int, TestCallCompleted] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    charged: dict[int, int] = field(default_factory=dict)
    reserved: set[int] = field(default_factory=set)
    versions: dict[int, int] = field(default_factory=dict)

    def publish(self, event: Event) -> None:
        log = self.logs.setdefault(BY_EVENT[type(event)].topic.name, deque())
        log.extend([event] * self.chance.choice((1, 1, 1, 2)))

    def begin(self) -> None:
        """Deposits, adjustments, requests, and runs that expire before billing knows of them."""
        next_run = self.first_id
        for org_id in range(self.first_id, self.first_id + ORGS):
            for nth in range(self.chance.randint(0, 2)):
                amount = self.chance.randint(1, 150)
                self.deposits[org_id, f"d{nth}"] = amount
                self.publish(deposited(amount, org_id=org_id, deposit_id=f"d{nth}"))
                if self.chance.random() < 0.3:
                    change = self.chance.choice((-amount, -amount // 2 - 1, 10))
                    self.deposits[org_id, f"a{nth}"] = change
                    self.publish(adjusted(change, org_id=org_id, adjustment_id=f"a{nth}"))
            for _ in range(self.chance.randint(1, 4)):
                runs = [next_run + nth for nth in range(self.chance.randint(1, 3))]
                next_run += len(runs)
                request = requested(*runs, org_id=org_id, held_minutes=self.chance.randint(1, 3))
                self.requests[request.request_id] = request
                self.publish(request)
                for run_id in runs:
                    if self.chance.random() < 0.15:
                        self.publish(expired(run_id, request_id=request.request_id, org_id=org_id))

    def hear(self, said: list[Event]) -> None:
        """What billing says lets the others go on."""
        for one in said:
            org_id = getattr(one, "org_id", None)
            account = getattr(one, "account", None)
            if org_id is not None and account is not None and not isinstance(one, FundsDeclined):
                assert account.version > self.versions.get(org_id, 0), "versions grow"
                self.versions[org_id] = account.version
            match one:
                case FundsReserved():
                    self.answers[one.request_id] += 1
                    self.reserved.update(one.run_ids)
                    for run_id in one.run_ids:
                        self._end(run_id, one.org_id)
                case FundsDeclined():
                    self.answers[one.request_id] += 1
                case ChargeSettled():
                    self.closed[one.run_id] += 1
                    self.charged[one.run_id] = one.settled_cents
                case ReservationReleased():
                    self.closed[one.run_id] += 1
                case BalanceChanged():
                    pass

    def _end(self, run_id: int, org_id: int) -> None:
        if self.chance.random() < 0.6:
            event = completed(run_id, org_id=org_id, duration_seconds=self.chance.randint(0, 300))
            self.completions[run_id] = event
            self.publish(event)
        else:
            self.publish(failed(run_id, org_id=org_id, called=self.chance.random() < 0.5))

    async def read_on(self, billing: Ear) -> None:
        """Poll: some records of some topics, each topic in its order. A partition that has to wait is read later."""
        poll: list[Event] = []
        for log in self.logs.values():
            poll.extend(list(log)[: self.chance.randint(0, 4)])
        try:
            said = await billing.hear(*poll)
        except NotYet:
            for topic, log in self.logs.items():  # as the consumer does: the others go on without the one that waits
                if log and "executions" not in topic:
                    self.hear(await billing.hear(log.popleft()))
            return
        for event in poll:
            self.logs[BY_EVENT[type(event)].topic.name].popleft()
        self.hear(said)

    def assert_it_ended_well(self) -> None:
        assert self.answers == Counter(dict.fromkeys(self.requests, 1)), "every request is answered once"
        assert self.closed == Counter(dict.fromkeys(self.reserved, 1)), "every hold is closed once"
        for run_id, cents in self.charged.items():
            request = next(one for one in self.requests.values() if run_id in [run.run_id for run in one.runs])
            minutes = max(1, -(-self.completions[run_id].duration_seconds // 60))
            assert cents == min(minutes, request.price.held_minutes) * 16


async def tell(story: Story, billing: Ear, database: Database) -> None:
    """Let a history happen to its end."""
    story.begin()
    for _ in range(500):
        if not any(story.logs.values()):
            break
        await story.read_on(billing)
    assert not any(story.logs.values()), "nothing waits for ever"
    story.assert_it_ended_well()
    async with database.reading() as transaction:
        rows = await transaction.rows(
            "SELECT org_id, balance_cents, held_cents FROM accounts WHERE org_id BETWEEN :low AND :high",
            low=story.first_id,
            high=story.first_id + ORGS,
        )
    owner = {run.run_id: one.org_id for one in story.requests.values() for run in one.runs}
    for row in rows:
        paid_in = sum(amount for (org_id, _), amount in story.deposits.items() if org_id == row.org_id)
        charged = sum(cents for run_id, cents in story.charged.items() if owner[run_id] == row.org_id)
        assert (row.balance_cents, row.held_cents) == (paid_in - charged, 0)


async def run_histories(seeds: range, billing: Ear, database: Database) -> None:
    charges = 0
    for seed in seeds:
        story = Story(random.Random(seed), first_id=1_000 * (seed + 1))
        try:
            await tell(story, billing, database)
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
        charges += len(story.charged)
    assert charges > len(seeds) // 4, "the histories have calls in them"
    assert billing.dead == [], "nothing of this is a dead letter"
    await assert_the_ledger_is_sound(database)


async def test_every_history_ends_with_every_hold_closed_once(billing: Ear, database: Database) -> None:
    await run_histories(range(HISTORIES), billing, database)


@pytest.mark.campaign
async def test_thousands_of_histories(billing: Ear, database: Database) -> None:
    first = int(os.environ.get("REHEARSAL_SEED", "100000"))
    await run_histories(range(first, first + CAMPAIGN_HISTORIES), billing, database)
