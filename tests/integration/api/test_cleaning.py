"""Runs that are over go with their calls and batches when the operator says so; the statement stays whole."""

import pytest

from services.api.edges.db.cleaner import clean_once
from services.api.settings import MIN_RUNS_KEPT_DAYS
from tests.integration.api.builders import Org
from tests.integration.api.harness import Api

pytestmark = pytest.mark.integration

DAYS = MIN_RUNS_KEPT_DAYS
OLD, YOUNG = DAYS * 24 + 1, DAYS * 24 - 1


async def end_earlier(api: Api, org: Org, hours: int) -> None:
    """Let what an organisation's runs and batches have ended have ended so long ago."""
    async with api.database.transaction() as transaction:
        for table in ("runs", "batches"):
            await transaction.run(
                f"""
                UPDATE {table} SET completed_at = clock_timestamp() - make_interval(hours => :hours)
                WHERE org_id = :org AND completed_at IS NOT NULL
                """,
                hours=hours,
                org=org.org_id,
            )


async def seen(api: Api, org: Org) -> tuple[int, int, int, int]:
    """How many runs, batches, calls and entries an organisation sees."""
    paths = ("/v1/test-calls", "/v1/test-call-batches", "/v1/calls", "/v1/billing/entries")
    runs, batches, calls, entries = [(await api.get(org, path)).json() for path in paths]
    return len(runs), len(batches), calls["total"], entries["total"]


async def a_history(api: Api) -> Org:
    """One run that completed, a batch that ended, a batch of which one run is up, a run that waits."""
    org = await api.org()
    single, ended, half, _ = (
        await api.paid(org),
        await api.accepted_batch(org, 2),
        await api.accepted_batch(org, 2),
        await api.paid(org),
    )
    await api.hear(ended.reserved(), half.reserved())
    await api.hear(single.started(), single.completed(), single.settled())
    for nth in range(2):
        await api.hear(ended.started(nth), ended.completed(nth), ended.settled(nth))
    await api.hear(half.started(0), half.completed(0), half.settled(0), half.started(1))
    return org


async def test_runs_are_kept_for_ever_unless_the_operator_says_otherwise(api: Api) -> None:
    org = await a_history(api)
    await end_earlier(api, org, 100 * OLD)
    before = await seen(api, org)
    await clean_once(api.database)
    assert await seen(api, org) == before == (6, 2, 5, before[3])


async def test_what_ended_long_ago_goes_whole_and_the_statement_stays(api: Api) -> None:
    org = await a_history(api)
    other = await a_history(api)
    before = await seen(api, org)
    await end_earlier(api, org, YOUNG)
    await clean_once(api.database, runs_kept_days=DAYS)
    assert await seen(api, org) == before
    await end_earlier(api, org, OLD)
    await clean_once(api.database, runs_kept_days=DAYS)
    assert await seen(api, org) == (3, 1, 2, before[3]), "a batch that goes on keeps its runs"
    assert await seen(api, other) == before


async def test_a_run_that_billing_has_not_answered_stays(api: Api) -> None:
    org = await api.org()
    story = await api.accepted(org)
    await api.hear(story.expired())
    await end_earlier(api, org, OLD)
    await clean_once(api.database, runs_kept_days=DAYS)
    assert (await seen(api, org))[0] == 1, "its estimate still counts against the funds"


async def test_what_is_said_of_a_run_that_is_gone_changes_nothing(api: Api) -> None:
    org = await api.org()
    story = await api.paid(org)
    await api.hear(story.started(), story.completed(), story.settled())
    await end_earlier(api, org, OLD)
    await clean_once(api.database, runs_kept_days=DAYS)
    before = await seen(api, org)
    await api.hear(story.started(), story.completed())
    assert await seen(api, org) == before == (0, 0, 0, before[3])
