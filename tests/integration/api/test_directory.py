"""The directory as the platform publishes it: the last word counts, also within one poll."""

import pytest

from shared.events.directory import AgentDeleted, ApiKeyRevoked, OrgUpserted, PhoneNumberDeleted
from tests.integration.api.builders import a_key, a_number, an_agent
from tests.integration.api.harness import CALLS, Api

pytestmark = pytest.mark.integration

BACK_IN = 5.0


async def test_an_agent_is_what_was_last_said_of_it(api: Api) -> None:
    org = await api.org()
    await api.hear(an_agent(org, name="Anna"), an_agent(org, name="Bea", product="premium"))
    run = (await api.call(org)).json()
    assert (run["agent_name"], run["target_name"], run["estimated_cost_cents"]) == ("Bea", "Bea", 50)


@pytest.mark.parametrize("in_one_poll", [True, False])
async def test_what_is_deleted_and_made_again_is_there(api: Api, in_one_poll: bool) -> None:
    org = await api.org()
    story = [
        AgentDeleted(org_id=org.org_id, agent_id=org.agent_id),
        an_agent(org, name="Second"),
        a_number(org),
        PhoneNumberDeleted(org_id=org.org_id, phone_number_id=org.org_id + 500),
        a_number(org, inbound=org.agent_id),
    ]
    if in_one_poll:
        await api.hear(*story)
    else:
        for event in story:
            await api.hear(event)
    run = (await api.call(org, target_type="phone_number", target_id=org.org_id + 500)).json()
    assert run["agent_name"] == "Second"


@pytest.mark.parametrize("in_one_poll", [True, False])
async def test_what_is_made_and_deleted_is_gone(api: Api, in_one_poll: bool) -> None:
    org = await api.org()
    story = [an_agent(org, 11), AgentDeleted(org_id=org.org_id, agent_id=org.org_id + 11)]
    for poll in [story] if in_one_poll else [[event] for event in story]:
        await api.hear(*poll)
    assert (await api.call(org, target_id=org.org_id + 11)).status_code == 404


async def test_a_deletion_takes_its_own_organisations_agent_only(api: Api) -> None:
    org, other = await api.org(), await api.org()
    await api.hear(AgentDeleted(org_id=other.org_id, agent_id=org.agent_id))
    assert (await api.call(org)).status_code == 201


async def test_two_organisations_may_have_agents_of_the_same_id(api: Api) -> None:
    org, other = await api.org(), await api.org()
    twin = an_agent(org, name="Twin").model_copy(update={"org_id": other.org_id})
    await api.hear(twin)
    assert (await api.call(org)).json()["agent_name"] == "Ann"
    assert (await api.call(other, target_id=org.agent_id)).json()["agent_name"] == "Twin"


@pytest.mark.parametrize("in_one_poll", [True, False])
async def test_a_revoked_key_that_is_issued_again_stays_revoked(api: Api, in_one_poll: bool) -> None:
    org = await api.org()
    again = [ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 2), a_key(org, org.key)]
    for poll in [again] if in_one_poll else [[event] for event in again]:
        await api.hear(*poll)
    api.clock.now += BACK_IN
    assert (await api.get(org, CALLS)).status_code == 401


async def test_a_key_belongs_to_the_organisation_that_had_it_first(api: Api) -> None:
    org, other = await api.org(), await api.org()
    await api.hear(a_key(other, org.key, nth=9))
    await api.call(org)
    api.clock.now += BACK_IN
    assert len((await api.get(org, CALLS)).json()) == 1


async def test_limits_may_shrink_under_what_is_open(api: Api) -> None:
    org = await api.org()
    assert [(await api.call(org)).status_code for _ in range(3)] == [201] * 3
    await api.hear(OrgUpserted(org_id=org.org_id, name="small", max_concurrent_runs=1, max_queued_runs=1))
    assert (await api.call(org)).json()["code"] == "concurrency_limit"
    assert (await api.batch(org, 1)).json()["code"] == "queue_full"
