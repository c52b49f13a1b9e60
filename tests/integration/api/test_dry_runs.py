"""dry_run asks for everything but the run; max_cost_cents is the most that a request may cost."""

from typing import Any

import pytest

from services.api.edges.http.models.prices import TestCallPrice
from tests.integration.api.builders import a_batch, a_call, a_number, without
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_invalid, assert_problem

pytestmark = pytest.mark.integration


async def test_a_dry_run_tells_the_price_and_stores_nothing(api: Api) -> None:
    org = await api.org(funds_cents=100)
    async with api.storing_nothing():
        answer = await api.call(org, dry_run=True, key="a-key")
    assert answer.status_code == 200, answer.text
    assert "location" not in answer.headers
    assert answer.json() == {
        "dry_run": True,
        "target_type": "agent",
        "target_id": org.agent_id,
        "target_name": "Ann",
        "agent_name": "Ann",
        "direction": "outbound",
        "mode": "bot",
        "run_count": 1,
        "recording": False,
        "charge_multiplier": 2,
        "tariff_cents_per_minute": 8,
        "estimated_minutes": 1,
        "estimated_cost_cents": 16,
        "available_cents": 100,
    }
    assert await api.said(org) == []
    assert (await api.funds(org))["available_cents"] == 100


async def test_a_dry_run_of_a_batch_tells_the_price_of_all_runs(api: Api) -> None:
    org = await api.org(funds_cents=100)
    async with api.storing_nothing():
        price = TestCallPrice.model_validate((await api.batch(org, 5, dry_run=True)).json())
    assert (price.run_count, price.estimated_minutes, price.estimated_cost_cents) == (5, 5, 80)


async def test_the_key_of_a_dry_run_is_free_for_the_request_itself_and_for_the_next_dry_run(api: Api) -> None:
    org = await api.org()
    assert (await api.call(org, dry_run=True, key="the-same")).status_code == 200
    created = await api.call(org, key="the-same")
    assert (created.status_code, created.headers.get("idempotent-replayed")) == (201, None)
    assert (await api.call(org, dry_run=True, key="the-same")).status_code == 200
    again = await api.call(org, key="the-same", dry_run=False)
    assert (again.status_code, again.json()["id"]) == (201, created.json()["id"])


async def test_a_dry_run_is_refused_as_the_request_itself_would_be_and_in_the_same_order(api: Api) -> None:
    org = await api.org(funds_cents=20, max_concurrent_runs=1, max_queued_runs=1)
    await api.hear(a_number(org))
    number: dict[str, Any] = {"target_type": "phone_number", "target_id": org.org_id + 500}
    async with api.storing_nothing():
        wrong = await api.call(org, dry_run=True, direction="up", consent_to_charge=False, target_id=1)
        assert_invalid(wrong, "direction")
        silent = without(a_call(org, dry_run=True), "consent_to_charge")
        assert_problem(await api.post(org, CALLS, silent), 400, "consent_required")
        assert_problem(await api.call(org, dry_run=True, target_id=1, max_cost_cents=1), 404, "target_not_found")
        assert_invalid(await api.call(org, dry_run=True, max_cost_cents=1, **number), "target_id")
        assert_invalid(await api.batch(org, 2, dry_run=True, max_cost_cents=31), "max_cost_cents")
        assert_problem(await api.batch(org, 2, dry_run=True), 402, "insufficient_balance")
        assert_problem(await api.batch(await api.org(max_queued_runs=1), 2, dry_run=True), 429, "queue_full")
    other = await api.org(max_concurrent_runs=1)
    assert (await api.call(other)).status_code == 201
    assert_problem(await api.call(other, dry_run=True), 429, "concurrency_limit")


@pytest.mark.parametrize(("limit_cents", "status"), [(79, 400), (80, 201), (81, 201), (None, 201)])
async def test_an_estimate_may_be_what_it_may_cost_at_most_and_no_cent_more(
    api: Api, limit_cents: int | None, status: int
) -> None:
    org = await api.org()
    answer = await api.batch(org, 5, max_cost_cents=limit_cents)
    assert answer.status_code == status
    if status == 400:
        assert_invalid(answer, "max_cost_cents")
        assert await api.said(org) == []


@pytest.mark.parametrize("path", [CALLS, BATCHES])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dry_run", "true"),
        ("dry_run", 1),
        ("max_cost_cents", -1),
        ("max_cost_cents", "16"),
        ("max_cost_cents", 16.0),
        ("max_cost_cents", True),
        ("max_cost_cents", 2**53),
    ],
)
async def test_a_wrong_value_is_named(api: Api, path: str, field: str, value: object) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_invalid(await api.post(org, path, {**a_batch(org, 1), field: value}), field)
