"""Events that come twice: in one poll, in the next, or all over again. The second time changes nothing."""

import pytest

from shared.events.directory import AgentDeleted, ApiKeyRevoked, PhoneNumberDeleted
from shared.events.event import Event
from tests.integration.api.builders import Org, a_key, a_number, an_agent
from tests.integration.api.harness import Api
from tests.integration.api.picture import all_that_is_seen

pytestmark = pytest.mark.integration


async def a_history(api: Api, org: Org) -> list[list[Event]]:
    """What happens to a batch of three and to a single run that is declined."""
    batch, single = await api.accepted_batch(org, 3), await api.accepted(org)
    return [
        [batch.reserved(), single.declined()],
        [batch.started(0), batch.started(1), batch.expired(2)],
        [batch.completed(0), batch.failed(1), batch.released(2, called=False)],
        [batch.settled(0), batch.released(1)],
        [org.deposited(7)],
    ]


async def test_every_event_heard_again_at_once_changes_nothing(api: Api) -> None:
    org = await api.org()
    for poll in await a_history(api, org):
        await api.hear(*poll)
        before = await all_that_is_seen(api, org)
        for event in poll:
            await api.hear(event)
        assert await all_that_is_seen(api, org) == before
    assert api.ear.dead == []


async def test_a_whole_history_heard_again_changes_nothing(api: Api) -> None:
    org = await api.org()
    history = await a_history(api, org)
    for poll in history:
        await api.hear(*poll)
    before = await all_that_is_seen(api, org)
    for poll in history:
        await api.hear(*poll)
    assert await all_that_is_seen(api, org) == before


async def test_entries_that_are_new_are_added_beside_some_that_are_known(api: Api) -> None:
    org = await api.org(funds_cents=100)
    first, second = org.deposited(1), org.deposited(2)
    await api.hear(first)
    await api.hear(second, first, org.deposited(3))
    seen = (await api.get(org, "/v1/billing/entries")).json()["results"]
    assert [entry["amount_cents"] for entry in seen] == [3, 2, 1, 100]
    assert api.ear.dead == []


@pytest.mark.parametrize("later", [-1, 0, 1])
async def test_entries_are_taken_whatever_the_version_of_the_account_beside_them(api: Api, later: int) -> None:
    org = await api.org(funds_cents=100)
    first, second = org.deposited(1), org.deposited(2)
    account = second.account.model_copy(update={"version": first.account.version + later})
    await api.hear(first)
    await api.hear(second.model_copy(update={"account": account}))
    seen = (await api.get(org, "/v1/billing/entries")).json()["results"]
    assert [entry["amount_cents"] for entry in seen] == [2, 1, 100]
    assert api.ear.dead == []


async def test_every_event_twice_in_one_poll_does_what_it_does_once(api: Api) -> None:
    once, twice = await api.org(), await api.org()
    for poll in await a_history(api, once):
        await api.hear(*poll)
    for poll in await a_history(api, twice):
        await api.hear(*(event for event in poll for _ in range(2)))
    their_own = ("as_of", "id", "run_ids", "target_id", "call_id", "batch_id", "agent_id", "run_id")
    instants = ("created_at", "updated_at", "started_at", "completed_at", "start_time", "end_time", "billed_at")
    seen = [await all_that_is_seen(api, org, but=(*their_own, *instants)) for org in (once, twice)]
    assert seen[0] == seen[1]
    assert api.ear.dead == []


async def test_the_directory_heard_twice_is_the_directory(api: Api) -> None:
    org = await api.org()
    events: list[Event] = [
        a_key(org, f"sk_{org.org_id}", nth=3),
        an_agent(org, 11),
        an_agent(org, 12),
        a_number(org, inbound=org.org_id + 11),
        AgentDeleted(org_id=org.org_id, agent_id=org.org_id + 12),
        PhoneNumberDeleted(org_id=org.org_id, phone_number_id=org.org_id + 500),
        ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 3),
    ]
    for _ in range(2):
        await api.hear(*events, *events)
        agents = "SELECT array_agg(agent_id ORDER BY agent_id) FROM agents WHERE org_id = :id"
        assert await api.value(agents, id=org.org_id) == [org.agent_id, org.org_id + 11]
        assert await api.value("SELECT count(*) FROM phone_numbers WHERE org_id = :id", id=org.org_id) == 0
        assert (await api.call(org, target_id=org.org_id + 12)).status_code == 404
    assert api.ear.dead == []


async def test_the_api_says_nothing_to_what_it_hears(api: Api) -> None:
    org = await api.org()
    history = await a_history(api, org)
    await api.said(org)
    for poll in history:
        await api.hear(*poll)
    assert api.kept == []
