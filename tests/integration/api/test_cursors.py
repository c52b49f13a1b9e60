"""Cursors: bound to their list, and steady while rows leave and join."""

import asyncio
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from shared.db.transaction import Transaction
from tests.integration.api.builders import Org
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.paging import followed, id_of, ids, links
from tests.integration.api.problems import assert_invalid
from tests.integration.api.rows import fill

pytestmark = pytest.mark.integration

LISTS = (CALLS, BATCHES, "/v1/calls", "/v1/billing/entries")
SEEDS = range(4)


async def next_of(api: Api, org: Org, url: str) -> str:
    return links(await api.get(org, url))["next"]


def cursor_of(url: str) -> str:
    return url.partition("cursor=")[2]


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded(cursor: str) -> str:
    return urlsafe_b64decode(cursor + "==").decode()


@pytest.fixture(scope="module")
async def many(api: Api) -> Org:
    """An organisation with more than is counted."""
    org = await api.org()
    await fill(api, org, 10_300)
    return org


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_paged_by_cursor_beyond_every_offset_and_counted_as_far_as_that_is_cheap(
    api: Api, many: Org, path: str
) -> None:
    answer = await api.get(many, f"{path}?limit=200")
    assert answer.headers["x-total-count"] == "10000"
    assert answer.headers["x-total-count-exact"] == "false"
    assert isinstance(answer.json(), list) or answer.json()["total"] == 10_000
    seen = [id_of(row) for row in await followed(api, many, f"{path}?limit=200")]
    assert len(seen) == len(set(seen)) > 10_000
    deep = await api.get(many, f"{path}?limit=200&offset=10000")
    assert ids(deep) == seen[10_000:10_200]


async def test_who_pages_through_a_long_list_does_not_count_it_for_each_page(
    api: Api, many: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    value = Transaction.value

    async def noting(self: Transaction, statement: str, **parameters: Any) -> Any:
        counted.extend([statement] if statement.startswith("SELECT count(*)") else [])
        return await value(self, statement, **parameters)

    monkeypatch.setattr(Transaction, "value", noting)
    url = f"{CALLS}?limit=5&what=twice"
    for _ in range(5):
        answer = await api.get(many, url)
        assert answer.headers["x-total-count-exact"] == "false"
        url = links(answer)["next"]
    assert len(counted) <= 1


async def test_a_count_of_ten_thousand_is_exact(api: Api) -> None:
    org = await api.org()
    await fill(api, org, 10_000)
    answer = await api.get(org, BATCHES)
    assert answer.headers["x-total-count"] == "10000"
    assert "x-total-count-exact" not in answer.headers


@pytest.mark.parametrize("path", LISTS)
async def test_a_deeper_offset_is_refused_with_the_way_to_go(api: Api, path: str) -> None:
    answer = await api.get(await api.org(), f"{path}?offset=10001")
    assert_invalid(answer, "offset")
    assert "cursor" in answer.json()["offset"][0]


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_and_an_offset_exclude_each_other(api: Api, many: Org, path: str) -> None:
    following = await next_of(api, many, path)
    assert_invalid(await api.get(many, f"{following}&offset=1"), "cursor")
    assert (await api.get(many, f"{following}&offset=0")).status_code == 200


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_of_other_filters_another_list_or_another_organisation_is_refused(
    api: Api, many: Org, path: str
) -> None:
    cursor = cursor_of(await next_of(api, many, path))
    other = {CALLS: "status=failed", BATCHES: "status=failed", "/v1/calls": "status=failed"}.get(path, "kind=hold")
    assert_invalid(await api.get(many, f"{path}?{other}&cursor={cursor}"), "cursor")
    for elsewhere in set(LISTS) - {path}:
        assert_invalid(await api.get(many, f"{elsewhere}?cursor={cursor}"), "cursor")
    assert_invalid(await api.get(await api.org(), f"{path}?cursor={cursor}"), "cursor")
    assert (await api.get(many, f"{path}?limit=7&cursor={cursor}")).status_code == 200, "the limit may change"


@pytest.mark.parametrize("path", LISTS)
async def test_garbage_is_no_cursor(api: Api, many: Org, path: str) -> None:
    good = cursor_of(await next_of(api, many, path))
    for garbage in (
        "",
        "x",
        "%00",
        "ü",
        good[:-5],
        good + "A",
        good[::-1],
        "9" * 290,
        *map(encoded, ("[]", "null", "1")),
    ):
        assert_invalid(await api.get(many, f"{path}?cursor={garbage}"), "cursor")


@pytest.mark.parametrize("part", ["1e999", "-1", "true", "null", "[]", '"x"', '"2026-01-01"', "9" * 30, '"9999-12-31"'])
@pytest.mark.parametrize("path", LISTS)
async def test_a_forged_cursor_is_a_400_or_a_page_and_never_a_fault(api: Api, many: Org, path: str, part: str) -> None:
    good = decoded(cursor_of(await next_of(api, many, path)))
    for forged in (f"[{good[1:15]},false,{part}]", f"[{good[1:15]},false,{part},{part}]", f"[{good[1:15]},{part}]"):
        answer = await api.get(many, f"{path}?cursor={encoded(forged)}")
        assert answer.status_code in (200, 400), forged


Change = Callable[[random.Random], Coroutine[Any, Any, None]]


async def paged_while(api: Api, org: Org, url: str, change: Change, chance: random.Random) -> list[int]:
    """Page to the end; between two pages and beside each one, something changes."""
    seen: list[int] = []
    while url:
        _, answer = await asyncio.gather(change(chance), api.get(org, url))
        seen += ids(answer)
        url = links(answer).get("next", "")
        await change(chance)
    return seen


@pytest.mark.parametrize("seed", SEEDS)
async def test_paging_through_a_list_that_moves_shows_no_row_twice_and_skips_none_that_stayed(
    api: Api, seed: int
) -> None:
    chance = random.Random(seed)
    org = await api.org(max_queued_runs=1_000, max_concurrent_runs=500)
    first = [run for _ in range(4) for run in (await api.accepted_batch(org, 20)).run_ids]
    left: set[int] = set()

    async def change(chance: random.Random) -> None:
        for run in chance.sample(first, 3):
            left.add(run)
            await api.change(
                "UPDATE runs SET status = 'failed', error_message = 'x', completed_at = now() WHERE id = :id", id=run
            )
        await api.batch(org, chance.randint(1, 3))

    seen = await paged_while(api, org, f"{CALLS}?status=queued&limit={chance.randint(2, 9)}", change, chance)
    assert len(seen) == len(set(seen)), "no row twice"
    assert set(first) - left <= set(seen), "none that was there all the time is skipped"
    assert left & set(seen) != left, "rows have left while we paged"
