"""What the bot calls: an agent, or the agent that a phone number has for the other side of the call."""

from typing import Any

import pytest

from shared.events.directory import AgentDeleted, PhoneNumberDeleted
from tests.integration.api.builders import Org, a_number, an_agent
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_invalid, assert_problem

pytestmark = pytest.mark.integration

NOBODYS = 9_007_199_254_740_991


async def an_org_with_a_number(api: Api, *, inbound: int | None, outbound: int | None) -> Org:
    """Agents Inga (11) answers, Otto (12) places calls; the number has those that are asked for."""
    org = await api.org()
    agents = {None: None, 11: org.org_id + 11, 12: org.org_id + 12}
    await api.hear(
        an_agent(org, 11, "Inga", product="premium", voice="alto"),
        an_agent(org, 12, "Otto"),
        a_number(org, inbound=agents[inbound], outbound=agents[outbound]),
    )
    return org


async def test_an_outbound_run_to_a_number_meets_its_inbound_agent(api: Api) -> None:
    org = await an_org_with_a_number(api, inbound=11, outbound=12)
    answer = await api.call(org, target_type="phone_number", target_id=org.org_id + 500, direction="outbound")
    run = answer.json()
    assert (run["target_type"], run["target_id"]) == ("phone_number", org.org_id + 500)
    assert (run["target_name"], run["agent_name"], run["estimated_cost_cents"]) == ("Front desk", "Inga", 50)
    (said,) = await api.said(org)
    target = said.target
    assert (target.agent_id, target.agent_number, target.product, target.voice) == (
        org.org_id + 11,
        "+15551230000",
        "premium",
        "alto",
    )


async def test_an_inbound_run_from_a_number_meets_its_outbound_agent(api: Api) -> None:
    org = await an_org_with_a_number(api, inbound=11, outbound=12)
    run = (await api.call(org, target_type="phone_number", target_id=org.org_id + 500, direction="inbound")).json()
    assert (run["agent_name"], run["direction"], run["estimated_cost_cents"]) == ("Otto", "inbound", 16)


@pytest.mark.parametrize(
    ("inbound", "outbound", "direction", "lacks"),
    [(None, 12, "outbound", "inbound"), (11, None, "inbound", "outbound"), (None, None, "inbound", "outbound")],
)
async def test_a_number_without_the_agent_of_that_side_is_refused_on_its_id(
    api: Api, inbound: int | None, outbound: int | None, direction: str, lacks: str
) -> None:
    org = await an_org_with_a_number(api, inbound=inbound, outbound=outbound)
    target: dict[str, Any] = {"target_type": "phone_number", "target_id": org.org_id + 500, "direction": direction}
    async with api.storing_nothing():
        single, batch = await api.call(org, **target), await api.batch(org, 2, **target)
    for answer in (single, batch):
        assert_invalid(answer, "target_id")
        assert lacks in answer.json()["target_id"][0]


async def test_a_number_whose_agent_is_gone_has_none(api: Api) -> None:
    org = await an_org_with_a_number(api, inbound=11, outbound=12)
    await api.hear(AgentDeleted(org_id=org.org_id, agent_id=org.org_id + 11))
    number: dict[str, Any] = {"target_type": "phone_number", "target_id": org.org_id + 500}
    assert_invalid(await api.call(org, **number, direction="outbound"), "target_id")
    assert (await api.call(org, **number, direction="inbound")).status_code == 201


async def test_a_number_may_be_assigned_anew(api: Api) -> None:
    org = await an_org_with_a_number(api, inbound=None, outbound=None)
    await api.hear(a_number(org, inbound=org.org_id + 12, label="Back door"))
    run = (await api.call(org, target_type="phone_number", target_id=org.org_id + 500)).json()
    assert (run["agent_name"], run["target_name"]) == ("Otto", "Back door")


async def test_what_is_deleted_is_not_found(api: Api) -> None:
    org = await an_org_with_a_number(api, inbound=11, outbound=12)
    await api.hear(
        AgentDeleted(org_id=org.org_id, agent_id=org.org_id + 12),
        PhoneNumberDeleted(org_id=org.org_id, phone_number_id=org.org_id + 500),
    )
    async with api.storing_nothing():
        assert_problem(await api.call(org, target_id=org.org_id + 12), 404, "target_not_found")
        number = await api.call(org, target_type="phone_number", target_id=org.org_id + 500)
        assert_problem(number, 404, "target_not_found")


async def test_an_agents_id_is_no_numbers_id_and_the_other_way_round(api: Api) -> None:
    org = await an_org_with_a_number(api, inbound=11, outbound=12)
    assert_problem(await api.call(org, target_id=org.org_id + 500), 404, "target_not_found")
    agent_as_number = await api.call(org, target_type="phone_number", target_id=org.agent_id)
    assert_problem(agent_as_number, 404, "target_not_found")


@pytest.mark.parametrize("target_type", ["agent", "phone_number"])
async def test_anothers_target_answers_as_one_that_does_not_exist(api: Api, target_type: str) -> None:
    org, other = await api.org(), await an_org_with_a_number(api, inbound=11, outbound=12)
    theirs = other.org_id + (11 if target_type == "agent" else 500)
    async with api.storing_nothing():
        for post in (api.call, lambda org, **fields: api.batch(org, 1, **fields)):
            taken = await post(org, target_type=target_type, target_id=theirs)
            unknown = await post(org, target_type=target_type, target_id=NOBODYS)
            assert_problem(taken, 404, "target_not_found")
            assert taken.content == unknown.content


async def test_anothers_agent_behind_ones_own_number_is_no_agent(api: Api) -> None:
    org, other = await api.org(), await api.org()
    await api.hear(a_number(org, inbound=other.agent_id, outbound=other.agent_id))
    answer = await api.call(org, target_type="phone_number", target_id=org.org_id + 500)
    assert_invalid(answer, "target_id")


async def test_what_was_accepted_goes_on_under_the_name_it_had(api: Api) -> None:
    org = await api.org()
    run = (await api.call(org)).json()
    await api.hear(an_agent(org, 1, "Renamed"), AgentDeleted(org_id=org.org_id, agent_id=org.agent_id))
    assert await api.run(org, run["id"]) == run
