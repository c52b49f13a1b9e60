"""A single run that is accepted: the whole answer, and what is said to the other services."""

import re
from typing import Any

import pytest

from shared.events.connection import BuiltinConnection
from shared.events.requests import Price, RequestedRun, Target, TestCallRequested
from tests.integration.api.builders import PROMPT, a_call, an_agent
from tests.integration.api.harness import CALLS, Api

pytestmark = pytest.mark.integration

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DEMO_NUMBER = "+15555550100"


def a_queued_run(**known: Any) -> dict[str, Any]:
    """Every key of a queued run, with the values of a request that said as little as it could."""
    return {
        "target_type": "agent",
        "direction": "outbound",
        "target_number": DEMO_NUMBER,
        "scenario_prompt": "",
        "mode": "bot",
        "status": "queued",
        "charge_multiplier": 2,
        "estimated_cost_cents": 16,
        "call_id": None,
        "sip_call_id": None,
        "error_message": "",
        "batch_id": None,
        "started_at": None,
        "completed_at": None,
        "agent_name": "Ann",
        "target_name": "Ann",
        "duration_seconds": None,
        "grade": None,
        "metadata": {},
        "conditions": None,
        "recording": False,
        "recording_url": None,
        "cancel_requested_at": None,
        "requested_by_id": None,
        "transcript": [],
        **known,
    }


async def test_a_request_that_says_least_gets_every_default(api: Api) -> None:
    org = await api.org()
    answer = await api.post(org, CALLS, a_call(org))
    run = answer.json()
    assert answer.status_code == 201
    assert type(run["id"]) is int
    assert run["id"] > 0
    assert TIMESTAMP.fullmatch(run["created_at"])
    expected = {"id": run["id"], "created_at": run["created_at"], "updated_at": run["created_at"]}
    assert run == a_queued_run(target_id=org.agent_id, **expected)


async def test_everything_that_is_given_is_shown(api: Api) -> None:
    org = await api.org()
    given: dict[str, Any] = {
        "direction": "inbound",
        "target_number": "+442071838750",
        "scenario_prompt": PROMPT,
        "mode": "bot",
        "metadata": {"ci": "42"},
    }
    run = (await api.call(org, **given)).json()
    assert {name: run[name] for name in given} == given


async def test_the_answer_is_what_a_get_shows_and_says_where(api: Api) -> None:
    org = await api.org()
    answer = await api.call(org, scenario_prompt="Grüße 👋", metadata={"a": [1, 2.5, None, {"b": "ü"}]})
    assert answer.headers["location"] == f"{CALLS}/{answer.json()['id']}"
    assert (await api.get(org, answer.headers["location"])).json() == answer.json()
    assert (await api.get(org, CALLS)).json() == [answer.json()]


@pytest.mark.parametrize("omitted", [None, ""])
async def test_a_number_that_is_empty_or_null_is_the_demo_number(api: Api, omitted: str | None) -> None:
    assert (await api.call(await api.org(), target_number=omitted)).json()["target_number"] == DEMO_NUMBER


async def test_null_stands_for_an_omitted_optional_field(api: Api) -> None:
    answer = await api.call(await api.org(), scenario_prompt=None, mode=None, metadata=None, idempotency_key=None)
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in ("scenario_prompt", "mode", "metadata")} == {
        "scenario_prompt": "",
        "mode": "bot",
        "metadata": {},
    }


async def test_keys_that_nobody_knows_are_ignored(api: Api) -> None:
    answer = await api.call(
        await api.org(), org_id=1, status="completed", id=777_777, estimated_cost_cents=0, what={"a": []}
    )
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["estimated_cost_cents"]) == ("queued", 16)
    assert answer.json()["id"] != 777_777


async def test_a_run_costs_what_its_agents_product_costs(api: Api) -> None:
    org = await api.org()
    await api.hear(an_agent(org, 5, product="premium"), an_agent(org, 6, product="unheard of"))
    assert (await api.call(org, target_id=org.org_id + 5)).json()["estimated_cost_cents"] == 50
    assert (await api.call(org, target_id=org.org_id + 6)).json()["estimated_cost_cents"] == 16


async def test_an_accepted_run_is_said_once_with_all_that_later_steps_need(api: Api) -> None:
    org = await api.org()
    run = (await api.call(org, scenario_prompt=PROMPT, target_number="+442071838750")).json()
    (said,) = await api.said(org)
    assert said == TestCallRequested(
        request_id=said.request_id,
        org_id=org.org_id,
        batch_id=None,
        runs=(RequestedRun(run_id=run["id"], prompt_index=0),),
        prompts=(PROMPT,),
        direction="outbound",
        mode="bot",
        target=Target(
            target_type="agent",
            target_id=org.agent_id,
            agent_id=org.agent_id,
            agent_name="Ann",
            agent_number="+15555550199",
            bot_number="+442071838750",
            product="default",
            voice="",
            connection=BuiltinConnection(),
        ),
        price=Price(tariff_cents_per_minute=8, charge_multiplier=2, held_minutes=1),
        stagger_seconds=0,
        requested_at=said.requested_at,
    )
    assert await api.said(org) == []
