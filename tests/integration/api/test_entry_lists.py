"""The ledger as its organisation sees it."""

import pytest

from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_invalid

pytestmark = pytest.mark.integration

PATH = "/v1/billing/entries"


async def test_entries_are_wrapped_and_newest_first(api: Api) -> None:
    org = await api.org(funds_cents=100)
    story = await api.accepted(org)
    await api.hear(story.reserved(), story.started(), story.completed(), story.settled())
    page = (await api.get(org, PATH)).json()
    settle, hold, deposit = page["results"]
    assert {**page, "results": []} == {"results": [], "total": 3, "limit": 50, "offset": 0}
    assert settle["id"] > hold["id"] > deposit["id"]
    assert settle == {
        "id": settle["id"],
        "run_id": story.run_id,
        "batch_id": None,
        "call_id": story.call_id,
        "kind": "settle",
        "amount_cents": 16,
        "balance_cents": 84,
        "held_cents": 0,
        "created_at": settle["created_at"],
    }
    assert {**deposit, "id": 0, "created_at": ""} == {
        "id": 0,
        "run_id": None,
        "batch_id": None,
        "call_id": None,
        "kind": "deposit",
        "amount_cents": 100,
        "balance_cents": 100,
        "held_cents": 0,
        "created_at": "",
    }
    assert [(one["kind"], one["amount_cents"], one["held_cents"]) for one in (hold, deposit)] == [
        ("hold", 16, 16),
        ("deposit", 100, 0),
    ]


async def test_entries_are_filtered_by_run_and_kind(api: Api) -> None:
    org = await api.org()
    story = await api.accepted_batch(org, 2)
    await api.hear(story.reserved(), story.started(0), story.completed(0), story.settled(0))
    await api.hear(story.expired(1), story.released(1, called=False))
    first, second = story.run_ids

    async def found(query: str) -> list[tuple[str, int | None]]:
        page = (await api.get(org, f"{PATH}?{query}")).json()
        assert page["total"] == len(page["results"])
        return [(one["kind"], one["run_id"]) for one in page["results"]]

    assert await found(f"run_id={first}") == [("settle", first), ("hold", first)]
    assert await found(f"run_id={second}") == [("release", second), ("hold", second)]
    assert await found("kind=hold") == [("hold", second), ("hold", first)]
    assert await found(f"kind=release&run_id={second}") == [("release", second)]
    assert await found("kind=deposit") == [("deposit", None)]
    assert await found("kind=adjustment") == []
    assert await found(f"kind=settle&run_id={second}") == []


async def test_pages_have_links(api: Api) -> None:
    org = await api.org()
    for _ in range(4):
        await api.hear(org.deposited(1))
    answer = await api.get(org, f"{PATH}?kind=deposit&limit=2&offset=2")
    assert answer.headers["x-total-count"] == "5"
    following, back = answer.headers["link"].split(", ")
    assert following.startswith(f"<{PATH}?kind=deposit&limit=2&cursor=")
    assert back == f'<{PATH}?kind=deposit&limit=2&offset=0>; rel="prev"'


@pytest.mark.parametrize(("parameter", "value"), [("run_id", "0"), ("run_id", "x"), ("kind", ""), ("kind", "refund")])
async def test_a_value_that_cannot_be_read_is_refused_by_name(api: Api, parameter: str, value: str) -> None:
    assert_invalid(await api.get(await api.org(), f"{PATH}?{parameter}={value}"), parameter)
