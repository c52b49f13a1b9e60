"""A batch that is accepted: the whole answer, its runs, and what is said to the other services."""

from typing import Any

import pytest

from shared.events.requests import RequestedRun
from tests.integration.api.harness import BATCHES, CALLS, Api

pytestmark = pytest.mark.integration


async def test_a_batch_that_says_least_gets_every_default(api: Api) -> None:
    org = await api.org()
    answer = await api.batch(org, 3)
    batch = answer.json()
    assert answer.status_code == 201
    runs = (await api.get(org, CALLS)).json()
    assert batch == {
        "id": batch["id"],
        "name": "",
        "target_type": "agent",
        "target_id": org.agent_id,
        "direction": "outbound",
        "target_number": "+15555550100",
        "mode": "bot",
        "scenario_prompts": [],
        "stagger_seconds": 0,
        "run_count": 3,
        "total_runs": 3,
        "completed_runs": 0,
        "failed_runs": 0,
        "run_ids": sorted(run["id"] for run in runs),
        "estimated_minutes": 3,
        "estimated_cost_cents": 48,
        "charge_multiplier": 2,
        "matrix_dimensions": {},
        "error_message": "",
        "requested_by_id": None,
        "status": "in_progress",
        "started_at": None,
        "completed_at": None,
        "created_at": batch["created_at"],
        "updated_at": batch["created_at"],
        "conditions": None,
        "recording": False,
        "parent_batch_id": None,
    }


async def test_everything_that_is_given_is_shown(api: Api) -> None:
    given: dict[str, Any] = {
        "name": "Nightly 👋",
        "direction": "inbound",
        "target_number": "+442071838750",
        "stagger_seconds": 60,
        "scenario_prompts": ["a", "b"],
    }
    org = await api.org()
    batch = (await api.batch(org, 2, **given)).json()
    assert {name: batch[name] for name in given} == given
    for run in (await api.get(org, CALLS)).json():
        assert (run["direction"], run["target_number"]) == ("inbound", "+442071838750")


@pytest.mark.parametrize("prompts", [[], [""], ["", ""], ["", "a"], ["a", ""]])
async def test_prompts_are_echoed_as_they_were_given(api: Api, prompts: list[str]) -> None:
    org = await api.org()
    batch = (await api.batch(org, 3, scenario_prompts=prompts)).json()
    assert batch["scenario_prompts"] == prompts
    assert await api.seen_batch(org, batch["id"]) == batch
    runs = [await api.run(org, run_id) for run_id in batch["run_ids"]]
    assert [run["scenario_prompt"] for run in runs] == [
        (prompts or [""])[nth % len(prompts or [""])] for nth in range(3)
    ]


async def test_the_answer_is_what_a_get_shows_and_says_where(api: Api) -> None:
    org = await api.org()
    answer = await api.batch(org, 2, scenario_prompts=["é"])
    assert answer.headers["location"] == f"{BATCHES}/{answer.json()['id']}"
    assert (await api.get(org, answer.headers["location"])).json() == answer.json()
    assert (await api.get(org, BATCHES)).json() == [answer.json()]


@pytest.mark.parametrize("run_count", [1, 20])
async def test_a_batch_shows_all_its_runs_in_order_by_their_ids_alone(api: Api, run_count: int) -> None:
    org = await api.org()
    batch = (await api.batch(org, run_count)).json()
    assert len(batch["run_ids"]) == run_count
    assert batch["run_ids"] == sorted(set(batch["run_ids"]))
    assert all(type(run_id) is int for run_id in batch["run_ids"])
    assert "runs" not in batch
    runs = (await api.get(org, f"{CALLS}?batch_id={batch['id']}&limit=200")).json()
    assert [run["id"] for run in reversed(runs)] == batch["run_ids"]
    assert {(run["batch_id"], run["status"], run["estimated_cost_cents"]) for run in runs} == {
        (batch["id"], "queued", 16)
    }


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        (["a"], ["a", "a", "a", "a", "a"]),
        (["a", "b"], ["a", "b", "a", "b", "a"]),
        (["a", "", "a"], ["a", "", "a", "a", ""]),
        (["a", "b", "c", "d", "e", "f"], ["a", "b", "c", "d", "e"]),
    ],
)
async def test_run_i_gets_prompt_i_modulo_their_number(api: Api, prompts: list[str], expected: list[str]) -> None:
    org = await api.org()
    batch = (await api.batch(org, 5, scenario_prompts=prompts)).json()
    assert batch["scenario_prompts"] == prompts
    assert [(await api.run(org, run_id))["scenario_prompt"] for run_id in batch["run_ids"]] == expected
    (said,) = await api.said(org)
    assert [said.prompts[run.prompt_index] for run in said.runs] == expected
    assert len(set(said.prompts)) == len(said.prompts), "each prompt travels once"


async def test_one_prompt_is_every_runs_prompt(api: Api) -> None:
    org = await api.org()
    batch = (await api.batch(org, 3, scenario_prompt="Complain.", scenario_prompts=[])).json()
    assert [(await api.run(org, run_id))["scenario_prompt"] for run_id in batch["run_ids"]] == ["Complain."] * 3


async def test_a_batch_is_said_as_one_request(api: Api) -> None:
    org = await api.org()
    batch = (await api.batch(org, 2, stagger_seconds=7)).json()
    (said,) = await api.said(org)
    assert (said.batch_id, said.stagger_seconds) == (batch["id"], 7)
    assert said.runs == tuple(RequestedRun(run_id=run_id, prompt_index=0) for run_id in batch["run_ids"])
    assert said.price.estimated_cost_cents * 2 == batch["estimated_cost_cents"]


async def test_a_batch_that_the_funds_do_not_cover_to_the_last_run_is_not_there_at_all(api: Api) -> None:
    org = await api.org(funds_cents=47)
    async with api.storing_nothing():
        assert (await api.batch(org, 3)).status_code == 402
    assert (await api.get(org, CALLS)).json() == (await api.get(org, BATCHES)).json() == []
    assert (await api.funds(org))["available_cents"] == 47
    assert (await api.batch(org, 2)).status_code == 201
    assert (await api.funds(org))["available_cents"] == 15
