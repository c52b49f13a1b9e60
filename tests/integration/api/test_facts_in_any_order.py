"""Directory facts in any order, any number of times, over any partitions: one picture."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.db.database import Database
from shared.events.directory import AgentDeleted, ApiKeyRevoked, OrgUpserted, PhoneNumberDeleted
from shared.events.event import Event
from tests.integration.api.assembly import an_api_ear
from tests.integration.api.builders import Org, a_key, a_number, an_agent
from tests.integration.api.harness import CALLS, Api
from tests.support.databases import TestDatabase
from tests.support.ear import Ear

Fact = tuple[Event, datetime, str]
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = {
    "orgs": "org_id, name, max_concurrent_runs",
    "agents": "org_id, agent_id, name",
    "phone_numbers": "org_id, phone_number_id, label, inbound_agent_id",
    "api_keys": "org_id, key_id, key_sha256, revoked_at IS NOT NULL",
}
ORDERS = 6


@pytest.fixture
async def ears(test_database: TestDatabase) -> Any:
    """Two instances, each with partitions of its own."""
    database = Database(test_database.url("api"), schema="api")
    yield [await an_api_ear(database, partition=partition) for partition in (0, 1)]
    await database.dispose()


def some_facts(chance: random.Random) -> list[Fact]:
    """Facts about few things, so that they undo each other; now and then two at the same time."""
    orgs = [Org(number, number + 1) for number in (1_000, 2_000)]
    facts: list[Fact] = []
    for nth in range(chance.randint(2, 40)):
        org, which = chance.choice(orgs), chance.randint(1, 2)
        event: Event = chance.choice(
            [
                OrgUpserted(org_id=org.org_id, name=f"n{nth}", max_concurrent_runs=nth),
                an_agent(org, which, name=f"n{nth}"),
                AgentDeleted(org_id=org.org_id, agent_id=org.org_id + which),
                a_number(org, nth=which, label=f"n{nth}", inbound=nth + 1),
                PhoneNumberDeleted(org_id=org.org_id, phone_number_id=org.org_id + which),
                a_key(org, f"sk_{chance.randint(1, 3)}", nth=which),
                ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + which),
            ]
        )
        facts.append((event, SINCE + timedelta(seconds=chance.randint(0, 15)), f"{chance.random():.12f}"))
    return facts


async def hear_in_some_order(ears: Sequence[Ear], facts: Sequence[Fact], chance: random.Random) -> None:
    """Hear everything, shuffled, some of it twice, in polls of any size, by either instance."""
    left = [*facts, *chance.sample(facts, chance.randint(0, len(facts)))]
    chance.shuffle(left)
    while left:
        size = chance.randint(1, 8)
        poll, left = left[:size], left[size:]
        await chance.choice(ears).hear_facts(*poll)


async def picture(ear: Ear) -> dict[str, Any]:
    async with ear.database.reading() as transaction:
        return {
            table: [tuple(row) for row in await transaction.rows(f"SELECT {columns} FROM {table} ORDER BY 1, 2")]
            for table, columns in TABLES.items()
        }


async def forget(ear: Ear) -> None:
    """Begin with nothing, as a schema that is made anew."""
    async with ear.database.transaction() as transaction:
        for table in (*TABLES, "directory_facts"):
            await transaction.run(f"DELETE FROM {table}")


async def the_same_in_any_order(ears: Sequence[Ear], seed: int) -> None:
    chance = random.Random(seed)
    facts = some_facts(chance)
    pictures = []
    for _ in range(ORDERS):
        await hear_in_some_order(ears, facts, chance)
        pictures.append(await picture(ears[0]))
        await forget(ears[0])
    assert all(one == pictures[0] for one in pictures), f"seed {seed}"
    assert ears[0].dead == []


@pytest.mark.integration
async def test_facts_give_one_picture_in_any_order_however_often_they_are_heard(ears: Sequence[Ear]) -> None:
    for seed in range(25):
        await the_same_in_any_order(ears, seed)


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_many_facts_give_one_picture_in_any_order(ears: Sequence[Ear]) -> None:
    for seed in range(1_000, 1_500):
        await the_same_in_any_order(ears, seed)


@pytest.mark.integration
async def test_a_deleted_agent_does_not_return_by_an_older_word(api: Api) -> None:
    org, now = await api.org(), datetime.now(UTC)
    deleted = AgentDeleted(org_id=org.org_id, agent_id=org.agent_id)
    await api.ear.hear_facts((deleted, now + timedelta(seconds=2), "b"))
    await api.ear.hear_facts((an_agent(org), now + timedelta(seconds=1), "a"))
    assert (await api.call(org)).status_code == 404
    await api.ear.hear_facts((an_agent(org), now + timedelta(seconds=3), "c"))
    assert (await api.call(org)).status_code == 201


@pytest.mark.integration
async def test_a_key_that_was_revoked_before_anybody_heard_of_it_is_never_let_in(api: Api) -> None:
    org, now = await api.org(), datetime.now(UTC)
    await api.hear(ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 7))
    for seconds in (-60, 60):
        await api.ear.hear_facts((a_key(org, "sk_late", nth=7), now + timedelta(seconds=seconds), "x"))
        api.clock.now += 5
        answer = await api.client.get(CALLS, headers={"Authorization": "Bearer sk_late"})
        assert answer.status_code == 401


@pytest.mark.integration
async def test_a_key_belongs_to_the_organisation_that_had_it_first_also_if_that_is_heard_last(api: Api) -> None:
    first, second, now = await api.org(), await api.org(), datetime.now(UTC)
    await api.ear.hear_facts((a_key(second, "sk_shared", nth=8), now, "x"))
    await api.ear.hear_facts((a_key(first, "sk_shared", nth=8), now - timedelta(seconds=1), "y"))
    await api.call(first)
    shown = await api.client.get(CALLS, headers={"Authorization": "Bearer sk_shared"})
    assert len(shown.json()) == 1


@pytest.mark.integration
async def test_of_two_facts_at_the_same_time_the_deletion_counts(api: Api) -> None:
    org, later = await api.org(), datetime.now(UTC) + timedelta(seconds=1)
    deleted = AgentDeleted(org_id=org.org_id, agent_id=org.agent_id)
    await api.ear.hear_facts((an_agent(org), later, "z"), (deleted, later, "a"))
    assert (await api.call(org)).status_code == 404
