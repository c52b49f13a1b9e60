"""Many POSTs at once, through two instances of the API: limits are reached and never exceeded."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from tests.integration.api.assembly import an_api
from tests.integration.api.builders import Org
from tests.integration.api.harness import CALLS, Api

pytestmark = pytest.mark.integration

REQUESTS = 64


@pytest.fixture
async def second(api: Api) -> AsyncIterator[Api]:
    """Another instance on the same database."""
    async with an_api(api.database.url, partition=1) as second:
        yield second


async def all_at_once(
    post: Callable[[Api, Org], Awaitable[httpx2.Response]], org: Org, instances: tuple[Api, Api]
) -> Counter[str]:
    """Post 64 times, by turns to both instances; return how often there was which answer."""
    answers = await asyncio.gather(*(post(instances[nth % 2], org) for nth in range(REQUESTS)))
    return Counter(answer.json().get("code", "accepted") for answer in answers)


async def test_single_runs_fill_the_slots_and_no_more(api: Api, second: Api) -> None:
    org = await api.org()
    answers = await all_at_once(lambda api, org: api.call(org), org, (api, second))
    assert answers == {"accepted": 20, "concurrency_limit": REQUESTS - 20}
    assert len((await api.get(org, f"{CALLS}?limit=200")).json()) == 20


async def test_batches_fill_the_queue_and_no_more(api: Api, second: Api) -> None:
    org = await api.org(max_queued_runs=100)
    answers = await all_at_once(lambda api, org: api.batch(org, 3), org, (api, second))
    assert answers == {"accepted": 33, "queue_full": REQUESTS - 33}


async def test_runs_spend_the_funds_and_no_more(api: Api, second: Api) -> None:
    org = await api.org(funds_cents=10 * 16 + 15, max_concurrent_runs=1_000)
    answers = await all_at_once(lambda api, org: api.call(org), org, (api, second))
    assert answers == {"accepted": 10, "insufficient_balance": REQUESTS - 10}
    assert (await api.funds(org))["available_cents"] == 15


async def test_requests_of_many_organisations_do_not_stand_in_each_others_way(api: Api, second: Api) -> None:
    orgs = [await api.org(max_concurrent_runs=2) for _ in range(8)]
    answers = await asyncio.gather(
        *((api, second)[nth % 2].call(org) for nth in range(4) for org in (orgs if nth % 2 else reversed(orgs)))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 16, 429: 16}
    for org in orgs:
        assert (await api.get(org, CALLS)).headers["x-total-count"] == "2"
