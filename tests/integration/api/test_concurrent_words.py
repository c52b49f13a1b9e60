"""What two instances hear at the same moment, from two topics or two partitions: no word is lost, in any order."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from shared.events.event import Event
from tests.integration.api.assembly import an_api, an_api_ear
from tests.integration.api.builders import Org
from tests.integration.api.counted import assert_counted
from tests.integration.api.harness import Api
from tests.integration.api.picture import all_that_is_seen
from tests.integration.api.story import Story
from tests.support.databases import TestDatabase
from tests.support.ear import Ear
from tests.support.interleaving import SteppedDatabase, every_order

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

OF_THE_PICTURE = ("runs", "calls", "batches", "funds", "ledger_entries")
THEIR_OWN = ("as_of", "id", "run_ids", "call_id", "batch_id", "run_id", "target_id", "agent_id")
INSTANTS = ("created_at", "updated_at", "started_at", "completed_at", "start_time", "end_time", "billed_at")
Polls = tuple[list[Event], list[Event]]


def is_of_the_picture(statement: str) -> bool:
    return any(f" {table}" in statement for table in OF_THE_PICTURE)


@dataclass
class Pair:
    """Two instances that stop before each statement, and the API that shows what they did."""

    api: Api
    ears: list[Ear]
    databases: list[SteppedDatabase]
    onlooker: asyncpg.Connection

    async def in_every_order(self, polls_of: Callable[[Story], Polls]) -> dict[str, Any]:
        """Let each hear its poll of a new batch of two, in every order; return the one picture that there is."""
        orgs: list[Org] = []
        polls: list[list[Event]] = [[], []]
        seen: list[dict[str, Any]] = []

        async def prepare() -> None:
            orgs.append(await self.api.org())
            polls[:] = polls_of(await self.api.accepted_batch(orgs[-1], 2))

        async def check() -> None:
            await assert_counted(self.api.database)
            seen.append(await all_that_is_seen(self.api, orgs[-1], but=(*THEIR_OWN, *INSTANTS)))

        acts = [
            (database.steps, lambda nth=nth: self.ears[nth].hear(*polls[nth]))
            for nth, database in enumerate(self.databases)
        ]
        orders = await every_order(acts, prepare=prepare, check=check, onlooker=self.onlooker, switches=2)
        assert orders > 10
        assert all(one == seen[0] for one in seen)
        return seen[0]


@pytest.fixture
async def pair(test_database: TestDatabase) -> AsyncIterator[Pair]:
    url = test_database.url("api")
    databases = [SteppedDatabase(url, schema="api", matters=is_of_the_picture) for _ in range(2)]
    ears = [await an_api_ear(one, partition=400 + nth) for nth, one in enumerate(databases)]
    onlooker = await asyncpg.connect(test_database.admin_url)
    async with an_api(url) as api:
        yield Pair(api, ears, databases, onlooker)
    await onlooker.close()
    for database in databases:
        await database.dispose()


@pytest.mark.parametrize(("end", "word", "minutes"), [("completed", "settled", 1), ("failed", "released", 0)])
async def test_the_callers_word_and_billings_meet_in_every_order(pair: Pair, end: str, word: str, minutes: int) -> None:
    def polls(story: Story) -> Polls:
        reserved = story.reserved()
        ends = [getattr(story, end)(nth) for nth in range(2)]
        bills = [getattr(story, word)(nth) for nth in range(2)]
        return [story.started(1), story.started(0), *ends], [reserved, *reversed(bills)]

    seen = await pair.in_every_order(polls)
    assert [run["status"] for run in seen["/v1/test-calls"]] == [end, end]
    assert [call["billable_minutes"] for call in seen["/v1/calls"]["results"]] == [minutes, minutes]


async def test_two_runs_of_one_batch_are_counted_in_every_order(pair: Pair) -> None:
    seen = await pair.in_every_order(lambda story: ([story.started(0), story.completed(0)], [story.failed(1)]))
    batch = seen["/v1/test-call-batches"][0]
    assert (batch["status"], batch["completed_runs"], batch["failed_runs"]) == ("completed", 1, 1)


async def test_what_both_hear_is_written_once_in_every_order(pair: Pair) -> None:
    """As while partitions are added to a topic, or by an instance that does not know yet that it is replaced."""

    def polls(story: Story) -> Polls:
        reserved, started, settled = story.reserved(), story.started(0), story.settled(0)
        return [reserved, started, story.completed(0), settled], [settled, reserved, started]

    seen = await pair.in_every_order(polls)
    assert [entry["kind"] for entry in seen["/v1/billing/entries"]["results"]].count("hold") == 2
    assert [call["status"] for call in seen["/v1/calls"]["results"]] == ["completed"]
