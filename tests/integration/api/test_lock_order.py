"""Instances whose polls are about the same runs and organisations wait for each other, never in a circle."""

import asyncio

import pytest

from tests.integration.api.assembly import an_api_ear
from tests.integration.api.builders import an_org
from tests.integration.api.harness import Api

pytestmark = pytest.mark.integration

ROUNDS = 40


async def test_polls_of_two_topics_that_cross_do_not_deadlock(api: Api) -> None:
    """One instance hears from the callers, the other one from billing, of the same two runs."""
    callers, billing = [await an_api_ear(api.database, partition=300 + nth) for nth in range(2)]
    org = await api.org(max_concurrent_runs=1_000)
    for _ in range(ROUNDS):
        first, second = await api.accepted(org), await api.accepted(org)
        await callers.hear(second.started())
        await asyncio.gather(
            callers.hear(first.started(), second.completed()), billing.hear(second.reserved(), first.settled())
        )


async def test_batches_that_cross_do_not_deadlock(api: Api) -> None:
    one, other = [await an_api_ear(api.database, partition=310 + nth) for nth in range(2)]
    org = await api.org(max_concurrent_runs=1_000, max_queued_runs=10_000)
    for _ in range(ROUNDS):
        first, second = await api.accepted_batch(org, 2), await api.accepted_batch(org, 2)
        await asyncio.gather(
            one.hear(first.started(0), second.failed(0)), other.hear(second.started(1), first.failed(1))
        )


async def test_a_directory_that_crosses_with_admissions_does_not_deadlock(api: Api) -> None:
    ear = await an_api_ear(api.database, partition=320)
    low, high = await api.org(max_concurrent_runs=1_000), await api.org(max_concurrent_runs=1_000)
    for _ in range(ROUNDS):
        answers = await asyncio.gather(
            ear.hear(*an_org(high, max_concurrent_runs=1_000), *an_org(low, max_concurrent_runs=1_000)),
            api.call(low),
            api.call(high),
        )
        assert [answer.status_code for answer in answers[1:]] == [201, 201]
