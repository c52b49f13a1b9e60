"""Call logs: wrapped pages, and every filter."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from shared.events.fields import timestamp
from tests.integration.api.builders import Org, a_number, an_agent
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_invalid
from tests.integration.api.story import Story

pytestmark = pytest.mark.integration

PATH = "/v1/calls"


async def a_story(api: Api, org: Org, **fields: object) -> Story:
    """A run with its call."""
    story = await api.accepted(org, **fields)
    await api.hear(story.started())
    return story


async def found(api: Api, org: Org, query: str) -> list[int]:
    """The calls of a page, whose total they have to be."""
    page = (await api.get(org, f"{PATH}?{query}")).json()
    assert page["total"] == len(page["results"])
    return [call["call_id"] for call in page["results"]]


async def test_a_page_is_wrapped_and_newest_first(api: Api) -> None:
    org = await api.org()
    calls = [(await a_story(api, org)).call_id for _ in range(3)]
    answer = await api.get(org, PATH)
    assert {**answer.json(), "results": [call["call_id"] for call in answer.json()["results"]]} == {
        "results": calls[::-1],
        "total": 3,
        "limit": 50,
        "offset": 0,
    }
    page = (await api.get(org, f"{PATH}?limit=1&offset=1")).json()
    assert [call["call_id"] for call in page["results"]] == [calls[1]]
    assert (page["total"], page["limit"], page["offset"]) == (3, 1, 1)
    assert answer.headers["x-total-count"] == "3"


async def test_calls_are_filtered_by_agent_direction_and_numbers(api: Api) -> None:
    org = await api.org()
    await api.hear(an_agent(org, 11), a_number(org, inbound=org.org_id + 11))
    first = await a_story(api, org)
    second = await a_story(api, org, direction="inbound", target_number="+442071838750")
    third = await a_story(api, org, target_type="phone_number", target_id=org.org_id + 500)
    expected = {
        f"agent_id={org.org_id + 11}": [third],
        "direction=inbound": [third, first],
        "direction=outbound": [second],
        "from_number=%2B15555550100": [third, first],
        "from_number=+15555550100": [third, first],  # a plus that was not escaped
        "to_number=%2B442071838750": [second],
        "to_number=%2B15551230000": [third],
        "from_number=%2B15555550100&to_number=%2B15551230000": [third],
        "from_number=%2B4420718387": [],
        "is_test_call=true": [third, second, first],
        "is_test_call=false": [],
    }
    for query, stories in expected.items():
        assert await found(api, org, query) == [story.call_id for story in stories], query


async def test_calls_are_filtered_by_status(api: Api) -> None:
    org = await api.org()
    up, completed, failed = [await a_story(api, org) for _ in range(3)]
    await api.hear(completed.completed(), failed.failed())
    for status, story in {"in_progress": up, "completed": completed, "failed": failed}.items():
        assert await found(api, org, f"status={status}") == [story.call_id]


async def test_calls_are_filtered_by_when_they_were_placed_both_ends_included(api: Api) -> None:
    org = await api.org()
    story = await a_story(api, org)
    placed = story.placed_at()
    second = timedelta(seconds=1)
    day = placed.date()
    within = [
        f"start_date={timestamp(placed - second)}",
        f"end_date={timestamp(placed + second)}",
        f"start_date={timestamp(placed - second)}&end_date={timestamp(placed + second)}",
        f"start_date={day}&end_date={day}",
        f"start_date={quote((placed - second).isoformat())}",
        f"start_date={(placed - second).isoformat()}",  # a + that was not escaped arrives as a space
        f"start_date={(placed - second).replace(tzinfo=None).isoformat()}",
    ]
    outside = [
        f"start_date={timestamp(placed + second)}",
        f"end_date={timestamp(placed - second)}",
        f"start_date={day + timedelta(days=1)}",
        f"end_date={day - timedelta(days=1)}",
        f"start_date={day}T23:59:59.999&end_date={day}T00:00",
    ]
    for query in within:
        assert await found(api, org, query) == [story.call_id], query
    for query in outside:
        assert await found(api, org, query) == [], query


@pytest.mark.parametrize("parameter", ["start_date", "end_date"])
async def test_a_calls_own_start_time_finds_it_as_either_end(api: Api, parameter: str) -> None:
    org = await api.org()
    story = await a_story(api, org)
    start_time = (await api.seen_call(org, story.call_id))["start_time"]
    assert await found(api, org, f"{parameter}={start_time}") == [story.call_id]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *(("agent_id", value) for value in ("0", "x", "")),
        *(("direction", value) for value in ("both", "")),
        *(("status", value) for value in ("queued", "pending", "")),
        *(("from_number", value) for value in ("", "%00", "x" * 301)),
        ("to_number", ""),
        *(("start_date", value) for value in ("", "yesterday", "2026-13-01", "2026-02-30", "9999-12-31", "1", "0")),
        *(("end_date", value) for value in ("", "2026-01-01T25:00:00Z", "9999-12-31", "0001-01-01T00:00:00%2B23:59")),
        *(("is_test_call", value) for value in ("", "1", "True", "yes")),
    ],
)
async def test_a_value_that_cannot_be_read_is_refused_by_name(api: Api, parameter: str, value: str) -> None:
    assert_invalid(await api.get(await api.org(), f"{PATH}?{parameter}={value}"), parameter)
