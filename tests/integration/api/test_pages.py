"""Pages of the two bare lists: newest first, bounded, with totals and links that keep the filters."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.paging import ids, links
from tests.integration.api.problems import assert_invalid

pytestmark = pytest.mark.integration

LISTS = (CALLS, BATCHES, "/v1/calls", "/v1/billing/entries")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *(("limit", value) for value in ("0", "-1", "201", "abc", "1.0", "", "1e2", "%2B1", "true", "9" * 400, "%00")),
        *(("offset", value) for value in ("-1", "abc", "1.0", "", "10001", "9007199254740992", "9" * 400, "%D9%A1")),
    ],
)
async def test_a_page_that_is_no_page_is_refused_by_name(api: Api, path: str, parameter: str, value: str) -> None:
    assert_invalid(await api.get(await api.org(), f"{path}?{parameter}={value}"), parameter)


@pytest.mark.parametrize("path", LISTS)
async def test_all_wrong_parameters_are_named_at_once(api: Api, path: str) -> None:
    assert_invalid(await api.get(await api.org(), f"{path}?limit=0&offset=-1"), "limit", "offset")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", ["limit=1", "limit=200", "offset=10000", "what=1&order=asc&LIMIT=0", "&&"])
async def test_every_other_page_is_served(api: Api, path: str, query: str) -> None:
    assert (await api.get(await api.org(), f"{path}?{query}")).status_code == 200


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", ["limit=%ff", "status=%ED%A0%80", "a=" + "x" * 8_200, "&".join(["a=1"] * 200)])
async def test_a_query_that_cannot_be_read_is_a_400(api: Api, path: str, query: str) -> None:
    assert_invalid(await api.get(await api.org(), f"{path}?{query}"), "query")


async def test_a_page_has_fifty_rows_and_at_most_two_hundred(api: Api) -> None:
    org = await api.org(max_queued_runs=1_000)
    for _ in range(11):
        await api.batch(org, 20)
    everything = ids(await api.get(org, f"{CALLS}?limit=200")) + ids(
        await api.get(org, f"{CALLS}?limit=200&offset=200")
    )
    assert len(everything) == 220
    assert everything == sorted(everything, reverse=True)
    first = await api.get(org, CALLS)
    assert ids(first) == everything[:50]
    assert first.headers["x-total-count"] == "220"
    assert ids(await api.get(org, f"{CALLS}?limit=1&offset=219")) == everything[-1:]
    beyond = await api.get(org, f"{CALLS}?offset=220")
    assert (beyond.json(), beyond.headers["x-total-count"]) == ([], "220")


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_following_next_and_then_prev_passes_every_row_once(api: Api, path: str) -> None:
    org = await api.org()
    await api.batch(org, 1, direction="inbound")
    made: list[int] = []
    for _ in range(7):
        batch = (await api.batch(org, 1)).json()
        made.insert(0, batch["id"] if path == BATCHES else batch["run_ids"][0])
    query = "target_type=agent&what=%C3%BC%26" if path == BATCHES else f"agent_id={org.agent_id}&what=%C3%BC%26"
    expected = [*made, ids(await api.get(org, f"{path}?limit=200"))[-1]]
    page = await api.get(org, f"{path}?limit=3&{query}")
    seen = ids(page)
    assert "prev" not in links(page)
    while "next" in links(page):
        following = urlsplit(links(page)["next"])
        assert following.path == path
        assert set(parse_qsl(query)) < set(parse_qsl(following.query)), "the filters are kept"
        page = await api.get(org, links(page)["next"])
        seen += ids(page)
    assert seen == expected
    back: list[int] = []
    while "prev" in links(page):
        page = await api.get(org, links(page)["prev"])
        back = ids(page) + back
    assert back == expected[:6]


async def test_of_a_parameter_that_comes_twice_the_last_one_counts(api: Api) -> None:
    org = await api.org()
    await api.batch(org, 3)
    assert len((await api.get(org, f"{CALLS}?limit=1&limit=2")).json()) == 2
