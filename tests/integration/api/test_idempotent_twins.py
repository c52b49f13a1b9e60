"""The same key twice at once: one is served, the other is told that the first still runs."""

import asyncio
from collections import Counter

import asyncpg
import pytest

from services.api.edges.db.cleaner import clean_once
from services.api.edges.db.desk import _lock_number
from tests.integration.api.assembly import an_api
from tests.integration.api.harness import CALLS, Api
from tests.integration.api.problems import assert_problem

pytestmark = pytest.mark.integration


async def test_a_twin_of_a_request_that_still_runs_is_told_so(api: Api) -> None:
    org = await api.org()
    elsewhere = await asyncpg.connect(api.database.url)
    try:
        async with elsewhere.transaction():
            await elsewhere.execute("SELECT pg_advisory_xact_lock($1)", _lock_number((org.org_id, "k")))
            async with api.storing_nothing():
                refused = await api.call(org, key="k")
            assert_problem(refused, 409, "idempotency_conflict")
            assert int(refused.headers["retry-after"]) > 0
            assert (await api.call(org, key="other")).status_code == 201
        assert (await api.call(org, key="k")).status_code == 201
    finally:
        await elsewhere.close()


async def test_of_many_twins_one_makes_a_run_and_every_other_is_a_replay_or_told_to_wait(api: Api) -> None:
    org = await api.org()
    async with an_api(api.database.url, partition=2) as second:
        answers = await asyncio.gather(*((api, second)[nth % 2].call(org, key="k") for nth in range(32)))
    made = [one for one in answers if one.status_code == 201 and "idempotent-replayed" not in one.headers]
    assert len(made) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "idempotency_conflict")
        else:
            assert (answer.status_code, answer.content) == (201, made[0].content)
    assert Counter(one.status_code for one in answers)[409] > 0, "twins met"
    assert (await api.get(org, CALLS)).headers["x-total-count"] == "1"


async def test_organisations_that_use_one_key_at_once_do_not_meet(api: Api) -> None:
    orgs = [await api.org() for _ in range(5)]
    answers = await asyncio.gather(*(api.call(org, key="the first of the month") for org in orgs))
    assert [answer.status_code for answer in answers] == [201] * 5


async def test_the_cleaner_takes_keys_that_are_a_day_old_and_no_others(api: Api) -> None:
    org = await api.org()
    ages = {"now": "0", "soon over": "23 hours 59 minutes", "just over": "24 hours 1 minute", "old": "25 hours"}
    for key, age in ages.items():
        await api.call(org, key=key)
        await api.change(
            "UPDATE idempotency_keys SET created_at = created_at - CAST(CAST(:age AS text) AS interval) "
            "WHERE org_id = :id AND key = :key",
            age=age,
            id=org.org_id,
            key=key,
        )
    assert await clean_once(api.database) >= 2
    left = await api.value("SELECT array_agg(key ORDER BY key) FROM idempotency_keys WHERE org_id = :id", id=org.org_id)
    assert left == ["now", "soon over"]
