"""What an organisation has open is counted as it changes: exact after every word, and as cheap to ask, however much."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from services.api.domain.asking import Accepted, Asked
from services.api.edges.db.admission import Admission
from services.api.edges.http.posting import view_bytes
from shared.events.event import Event
from tests.integration.api.assembly import PRICING, an_api, an_api_ear
from tests.integration.api.builders import Org
from tests.integration.api.counted import assert_counted, counted
from tests.integration.api.harness import Api
from tests.integration.api.story import Story
from tests.integration.api.test_concurrent_words import is_of_the_picture
from tests.integration.api.test_one_poll_or_many import RUNS, Telling, polls
from tests.support.databases import TestDatabase
from tests.support.interleaving import SteppedDatabase, every_order
from tests.support.plans import explain_all, recording

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

HISTORIES = 25
OPEN = 5_000
READ_AT_MOST = 200  # rows that one statement of a request reads, and pages
ESTIMATE_CENTS = 16


@pytest.fixture
async def own(test_database: TestDatabase) -> AsyncIterator[Api]:
    """An API of this test's own."""
    async with an_api(test_database.url("api")) as api:
        yield api


async def test_an_organisation_s_counts_follow_its_runs(own: Api) -> None:
    org = await own.org()
    single, batch = await own.accepted(org), await own.accepted_batch(org, 3)
    assert await counted(own, org) == (4 * ESTIMATE_CENTS, 1, 4)
    await own.hear(single.reserved(), batch.reserved())
    assert await counted(own, org) == (0, 1, 4)
    await own.hear(single.started(), batch.started(0), batch.started(1))
    assert await counted(own, org) == (0, 3, 1)
    await own.hear(single.completed(), batch.failed(0), batch.expired(2))
    assert await counted(own, org) == (0, 1, 0)
    await own.hear(batch.completed(1), batch.settled(1), single.settled())
    assert await counted(own, org) == (0, 0, 0)
    declined = await own.accepted_batch(org, 2)
    await own.hear(declined.declined())
    assert await counted(own, org) == (0, 0, 0)


async def test_counts_are_the_sums_after_each_word_of_any_history(own: Api) -> None:
    """Batches through polls of any size, words in any order, twice, and unreadable ones; others beside them."""
    for seed in range(HISTORIES):
        chance = random.Random(seed)
        org = await own.org()
        telling = Telling(own, await own.accepted_batch(org, RUNS))
        others = [await own.accepted(org) for _ in range(chance.randint(0, 3))]
        for poll in polls(chance):
            await telling.hear(poll, one_by_one=False)
            if others and chance.random() < 0.5:
                other = others.pop()
                end = chance.choice((other.declined, other.expired, other.started, other.completed, other.failed))
                await (own.hear_garbage if chance.random() < 0.3 else own.hear)(end())
            await assert_counted(own.database)
        await own.accepted_batch(org, RUNS)
        await assert_counted(own.database)
    assert await own.value("SELECT count(*) FROM open_runs WHERE queued_runs > 0") == HISTORIES


async def test_runs_that_somebody_else_changes_are_counted(own: Api) -> None:
    """An operator, or a release that knows nothing of counts."""
    one, other = await own.org(), await own.org()
    for org in (one, other):
        await own.accepted_batch(org, 5)
        await own.accepted(org)
    await own.change("UPDATE runs SET org_id = :to WHERE org_id = :org", org=one.org_id, to=other.org_id)
    assert await counted(own, one) == (0, 0, 0)
    assert await counted(own, other) == (12 * ESTIMATE_CENTS, 2, 12)
    await own.change("DELETE FROM runs WHERE org_id = :org AND batch_id IS NOT NULL", org=other.org_id)
    await assert_counted(own.database)


async def test_what_is_rolled_back_is_not_counted(own: Api) -> None:
    org = await own.org()
    await own.accepted_batch(org, 2)
    before = await counted(own, org)
    with suppress(ZeroDivisionError):
        async with own.database.transaction() as transaction:
            await transaction.run("UPDATE runs SET status = 'in_progress' WHERE org_id = :org", org=org.org_id)
            await transaction.run("SET CONSTRAINTS ALL IMMEDIATE")
            assert await transaction.value("SELECT active_runs FROM open_runs WHERE org_id = :org", org=org.org_id) == 2
            raise ZeroDivisionError
    assert await counted(own, org) == before


async def test_a_poll_that_stands_still_keeps_no_request_waiting(own: Api) -> None:
    """Its process is frozen, or its line was cut: it is given up seconds later."""
    org = await own.org()
    story = await own.accepted_batch(org, 2)
    async with own.database.transaction() as poll:
        await poll.run("UPDATE runs SET status = 'in_progress' WHERE id = :id", id=story.run_id)
        async with asyncio.timeout(5):
            assert (await own.call(org)).status_code == 201
        assert await counted(own, org) == (3 * ESTIMATE_CENTS, 1, 3)
    assert await counted(own, org) == (3 * ESTIMATE_CENTS, 2, 2)
    await assert_counted(own.database)
    assert await own.value("SELECT count(*) FROM open_runs_changed") == 0


async def test_a_post_and_two_polls_meet_in_every_order(own: Api, test_database: TestDatabase) -> None:
    """An admission takes from what is left while others end what was open."""
    url = test_database.url("api")
    databases = [
        SteppedDatabase(url, schema="api", matters=lambda sql: is_of_the_picture(sql) or " orgs" in sql)
        for _ in range(3)
    ]
    ears = [await an_api_ear(one, partition=500 + nth) for nth, one in enumerate(databases)]
    admission = Admission(databases[2], ears[2].outbox, PRICING, view_bytes)
    onlooker = await asyncpg.connect(test_database.admin_url)
    orgs: list[Org] = []
    words: list[list[Event]] = [[], []]

    async def prepare() -> None:
        orgs.append(await own.org())
        batch = await own.accepted_batch(orgs[-1], 2)
        words[:] = [[batch.reserved(), batch.started(0)], [batch.started(1), batch.completed(0)]]

    async def post() -> None:
        (answer,) = await admission.answer([a_batch_of_two(orgs[-1])])
        assert isinstance(answer, Accepted)

    async def check() -> None:
        await assert_counted(own.database)
        assert await counted(own, orgs[-1]) == (2 * ESTIMATE_CENTS, 1, 2)

    acts = [
        (databases[0].steps, lambda: ears[0].hear(*words[0])),
        (databases[1].steps, lambda: ears[1].hear(*words[1])),
        (databases[2].steps, post),
    ]
    try:
        assert await every_order(acts, prepare=prepare, check=check, onlooker=onlooker, switches=1) > 10
    finally:
        await onlooker.close()
        for database in databases:
            await database.dispose()


def a_batch_of_two(org: Org) -> Asked:
    return Asked(
        org_id=org.org_id,
        target_type="agent",
        target_id=org.agent_id,
        direction="outbound",
        target_number="",
        prompts=(),
        run_count=2,
        is_batch=True,
        name="",
        stagger_seconds=0,
        metadata={},
        idempotency=None,
        traceparent=None,
    )


async def test_a_request_costs_the_same_however_much_is_open(own: Api) -> None:
    org = await own.org(funds_cents=10**9, max_concurrent_runs=10**5, max_queued_runs=10**6)
    story = await own.accepted_batch(org, 1)
    await open_very_many(own, story)
    with recording(pytest.MonkeyPatch()) as recorded:
        assert (await own.call(org)).status_code == 201
        assert (await own.batch(org, 2)).status_code == 201
        funds = await own.funds(org)
    assert funds["available_cents"] == 10**9 - (OPEN + 4) * ESTIMATE_CENTS
    wrong = [one for one in await explain_all(recorded) if one.rows > READ_AT_MOST or one.pages > READ_AT_MOST]
    assert not wrong, "\n\n".join(f"{one.rows} rows, {one.pages} pages:\n{one.sql}\n{one.plan}" for one in wrong)


async def open_very_many(api: Api, story: Story) -> None:
    """Copy a queued run that billing has not answered."""
    await api.change(
        """
        INSERT INTO runs SELECT (jsonb_populate_record(
            runs, jsonb_build_object('id', id + n + 1000000, 'request_id', request_id + n + 1000000)
        )).*
        FROM runs CROSS JOIN generate_series(1, :open) AS copy (n) WHERE id = :id
        """,
        open=OPEN,
        id=story.run_id,
    )
