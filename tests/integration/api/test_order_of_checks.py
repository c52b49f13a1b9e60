"""Of two faults the earlier one in the contract's order is told: 401, 413, 400, consent, 404, no agent, 402, 429."""

import pytest

from tests.integration.api.builders import Org, a_call, a_number, without
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_invalid, assert_problem

pytestmark = pytest.mark.integration

TOO_LARGE = b" " * (1_048_576 + 1)
NOBODYS = 9_007_199_254_740_991


async def poor(api: Api, **limits: int) -> Org:
    """An organisation that cannot pay for a run, with a number that no agent answers."""
    org = await api.org(funds_cents=15, **limits)
    await api.hear(a_number(org))
    return org


async def test_no_key_before_too_large(api: Api) -> None:
    assert_problem(await api.client.post(CALLS, content=TOO_LARGE), 401, "unauthorized")


async def test_too_large_before_malformed(api: Api) -> None:
    assert_problem(await api.post_raw(await api.org(), CALLS, b"{" + TOO_LARGE), 413, "body_too_large")


async def test_a_wrong_shape_before_missing_consent(api: Api) -> None:
    org = await api.org()
    body = without(a_call(org, direction="sideways"), "consent_to_charge")
    assert_invalid(await api.post(org, CALLS, body), "direction")


async def test_a_fault_between_fields_is_a_wrong_shape_too(api: Api) -> None:
    org = await api.org()
    answer = await api.batch(org, 1, scenario_prompt="a", scenario_prompts=["b"], consent_to_charge=False)
    assert_invalid(answer, "scenario_prompt")


async def test_a_mode_that_is_not_available_is_a_wrong_shape_too(api: Api) -> None:
    org = await api.org()
    assert_invalid(await api.call(org, mode="sip", consent_to_charge=False), "mode")


async def test_missing_consent_before_an_unknown_target(api: Api) -> None:
    org = await api.org()
    assert_problem(await api.call(org, target_id=NOBODYS, consent_to_charge=False), 400, "consent_required")


async def test_an_unknown_target_before_the_funds(api: Api) -> None:
    org = await poor(api)
    assert_problem(await api.call(org, target_id=NOBODYS), 404, "target_not_found")


async def test_a_number_without_an_agent_before_the_funds(api: Api) -> None:
    org = await poor(api)
    assert_invalid(await api.call(org, target_type="phone_number", target_id=org.org_id + 500), "target_id")


async def test_the_funds_before_the_slots(api: Api) -> None:
    org = await poor(api, max_concurrent_runs=0, max_queued_runs=0)
    assert_problem(await api.call(org), 402, "insufficient_balance")
    assert_problem(await api.batch(org, 1), 402, "insufficient_balance")


async def test_what_is_left_is_the_slots(api: Api) -> None:
    org = await api.org(max_concurrent_runs=0, max_queued_runs=0)
    assert_problem(await api.call(org), 429, "concurrency_limit")
    assert_problem(await api.batch(org, 1), 429, "queue_full")


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_a_wrong_method_is_told_after_the_key(api: Api, path: str) -> None:
    org = await api.org()
    assert (await api.client.put(path)).status_code == 401
    assert (await api.client.put(path, headers=org.authorization)).status_code == 405
