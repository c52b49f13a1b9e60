"""?wait=: a GET that is answered when what it asks for has ended. Who waits costs no connection, and is let go."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message

from services.api.edges.db import watch
from tests.integration.api.assembly import an_api, an_api_ear
from tests.integration.api.builders import Org
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_invalid, assert_problem
from tests.support.databases import TestDatabase
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

LISTENERS = 1_000
CONNECTIONS_OF_A_PROCESS = 8 + 4 + 2 + watch.CONNECTIONS  # work, reads, keys, waits


@pytest.fixture
async def api(test_database: TestDatabase) -> AsyncIterator[Api]:
    """An API of this test's own: nobody else waits at it."""
    async with an_api(test_database.url("api")) as api:
        yield api


async def until_waiting(api: Api, how_many: int) -> None:
    async def there() -> bool:
        return api.watch.waiting == how_many

    await eventually(there, what=f"{how_many} waiting", within_seconds=60)


async def test_a_run_is_answered_when_it_ends_and_as_it_is_then(api: Api) -> None:
    org = await api.org()
    story = await api.paid(org)
    asked = asyncio.create_task(api.run(org, f"{story.run_id}?wait=60"))
    await until_waiting(api, 1)
    await api.hear(story.started())
    await asyncio.sleep(2 * watch.LOOK_SECONDS)
    assert not asked.done(), "a start is no end"
    await api.hear(story.completed())
    async with asyncio.timeout(30):
        run = await asked
    assert (run["status"], len(run["transcript"])) == ("completed", 2)
    assert run == await api.run(org, story.run_id)
    assert api.watch.waiting == 0


async def test_an_end_that_another_instance_heard_of_is_seen(api: Api) -> None:
    org = await api.org()
    story = await api.accepted(org)
    asked = asyncio.create_task(api.run(org, f"{story.run_id}?wait=60"))
    await until_waiting(api, 1)
    other = await an_api_ear(api.database, partition=1)
    await other.hear(story.declined())
    async with asyncio.timeout(30):
        assert (await asked)["status"] == "failed"


async def test_a_batch_is_answered_when_its_last_run_has_ended(api: Api) -> None:
    org = await api.org()
    story = await api.accepted_batch(org, 2)
    asked = asyncio.create_task(api.get(org, f"{BATCHES}/{story.batch_id}?wait=60"))
    await until_waiting(api, 1)
    await api.hear(story.reserved(), story.expired(0))
    await asyncio.sleep(2 * watch.LOOK_SECONDS)
    assert not asked.done()
    await api.hear(story.expired(1))
    async with asyncio.timeout(30):
        assert (await asked).json()["status"] == "failed"


async def test_the_time_is_over_and_the_run_is_answered_as_it_is(api: Api) -> None:
    org = await api.org()
    story = await api.accepted(org)
    began = asyncio.get_running_loop().time()
    run = await api.run(org, f"{story.run_id}?wait=1")
    assert run["status"] == "queued"
    assert asyncio.get_running_loop().time() - began >= 1


async def test_what_has_ended_or_does_not_exist_is_not_waited_for(api: Api) -> None:
    org, other = await api.org(), await api.org()
    story = await api.accepted(org)
    await api.hear(story.declined())
    async with asyncio.timeout(20):
        assert (await api.run(org, f"{story.run_id}?wait=60"))["status"] == "failed"
        for path in (CALLS, BATCHES):
            assert_problem(await api.get(org, f"{path}/987654321?wait=60"), 404, "not_found")
        foreign = await api.get(other, f"{CALLS}/{story.run_id}?wait=60")
        assert foreign.content == (await api.get(other, f"{CALLS}/987654321")).content


@pytest.mark.parametrize("path", [CALLS, BATCHES])
@pytest.mark.parametrize("wait", ["-1", "61", "1.5", "", "soon", "1e1", "99999999999999999999"])
async def test_a_wrong_time_is_named(api: Api, path: str, wait: str) -> None:
    assert_invalid(await api.get(await api.org(), f"{path}/1?wait={wait}"), "wait")


async def test_a_thousand_who_wait_cost_no_connection_each_and_hold_up_nobody(api: Api) -> None:
    org, other = await api.org(), await api.org()
    story = await api.accepted_batch(org, 20)
    paths = [f"{CALLS}/{story.run_ids[nth % 20]}?wait=60" for nth in range(LISTENERS)]
    asked = [asyncio.create_task(api.get(org, path)) for path in paths]
    await until_waiting(api, LISTENERS)
    connections = await api.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    assert connections <= CONNECTIONS_OF_A_PROCESS
    assert (await api.call(other)).status_code == 201
    assert (await api.get(org, f"{CALLS}/{story.run_id}")).status_code == 200
    await api.hear(story.declined())
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*asked)
    assert {one.status_code for one in answers} == {200}
    assert {one.json()["status"] for one in answers} == {"failed"}


async def test_more_than_may_wait_are_told_to_come_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "WAITING_OF_ORG", 1)
    org, other = await api.org(), await api.org()
    mine, theirs = await api.accepted(org), await api.accepted(other)
    first = asyncio.create_task(api.run(org, f"{mine.run_id}?wait=60"))
    await until_waiting(api, 1)
    refused = await api.get(org, f"{CALLS}/{mine.run_id}?wait=60")
    assert_problem(refused, 503, "unavailable")
    second = asyncio.create_task(api.run(other, f"{theirs.run_id}?wait=60"))
    await until_waiting(api, 2)
    api.watch.release()
    await asyncio.gather(first, second)


async def test_when_an_instance_is_told_to_stop_all_are_let_go_at_once_and_nobody_waits_any_more(api: Api) -> None:
    org = await api.org()
    story = await api.accepted(org)
    asked = [asyncio.create_task(api.run(org, f"{story.run_id}?wait=60")) for _ in range(20)]
    await until_waiting(api, 20)
    api.watch.release()
    async with asyncio.timeout(20):
        assert {run["status"] for run in await asyncio.gather(*asked)} == {"queued"}
        assert (await api.run(org, f"{story.run_id}?wait=60"))["status"] == "queued"


async def test_whoever_hangs_up_is_let_go(api: Api) -> None:
    org = await api.org()
    story = await api.accepted(org)
    leaves = asyncio.Event()
    sent: list[Message] = []
    asked = asyncio.create_task(raw_get(api, org, f"{CALLS}/{story.run_id}", b"wait=60", leaves, sent))
    await until_waiting(api, 1)
    leaves.set()
    await until_waiting(api, 0)
    async with asyncio.timeout(20):
        await asked
    assert sent == [], "nobody is there to be answered"


async def raw_get(api: Api, org: Org, path: str, query: bytes, leaves: asyncio.Event, sent: list[Message]) -> None:
    """GET as a client that hangs up when it is told."""
    came = False

    async def receive() -> Message:
        nonlocal came
        if not came:
            came = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        **{"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query},
        **{"root_path": "", "scheme": "http", "http_version": "1.1", "server": ("api.test", 80), "client": None},
        "headers": [(b"authorization", org.authorization["Authorization"].encode())],
    }
    await api.app(scope, receive, send)
