"""Every combination of filters gives just the rows that have it, in the order of the list, at whatever page."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.api.builders import Org
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.paging import followed, id_of
from tests.integration.api.rows import fill, first_id

pytestmark = pytest.mark.integration

ROWS = 400
CALL_LOGS, ENTRIES = "/v1/calls", "/v1/billing/entries"


def some_of(filters: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    """Every set of filters, each with every value."""
    for count in range(len(filters) + 1):
        for names in combinations(filters, count):
            queries: list[dict[str, str]] = [{}]
            for name in names:
                queries = [{**query, name: value} for query in queries for value in filters[name]]
            yield from queries


def fits(row: dict[str, Any], query: dict[str, str]) -> bool:
    """Say whether a row as it is shown has what a query asks for."""
    own = {**row, "start_date": row.get("start_time"), "end_date": row.get("start_time")}
    return all(
        own[name] >= value
        if name == "start_date"
        else own[name] <= value
        if name == "end_date"
        else str(own[name]) == value
        for name, value in query.items()
    )


@pytest.fixture(scope="module")
async def org(api: Api) -> Org:
    """An organisation with rows of every kind, beside another one."""
    org, other = await api.org(), await api.org()
    for one in (org, other):
        await fill(api, one, ROWS)
    await api.change(
        "UPDATE runs SET batch_id = id - id % 20 + 1 WHERE org_id = :org_id AND id % 40 >= 20", org_id=org.org_id
    )
    return org


def filters_of(path: str, org: Org) -> dict[str, list[str]]:
    agents = [str(org.org_id + 3), str(org.org_id + 77)]
    return {
        CALLS: {
            "target_type": ["agent", "phone_number"],
            "status": ["queued", "in_progress", "completed", "failed"],
            "agent_id": agents,
            "batch_id": [str(first_id(org) + 21), "5"],
        },
        BATCHES: {
            "target_type": ["agent", "phone_number"],
            "status": ["pending", "in_progress", "completed", "failed"],
        },
        CALL_LOGS: {
            "agent_id": agents[:1],
            "direction": ["inbound", "outbound"],
            "status": ["in_progress", "completed", "failed"],
            "from_number": ["+15553"],
            "to_number": ["+17771"],
            "start_date": ["2026-01-01T00:10:00.000Z"],
            "end_date": ["2026-01-01T00:40:00.000Z"],
        },
        ENTRIES: {"kind": ["deposit", "hold", "settle", "release"], "run_id": [str(first_id(org) + 6), "1"]},
    }[path]


@pytest.mark.parametrize("path", [CALLS, BATCHES, CALL_LOGS, ENTRIES])
async def test_every_set_of_filters_gives_what_has_them_all(api: Api, org: Org, path: str) -> None:
    everything = await followed(api, org, f"{path}?limit=200")
    order = [(row.get("start_time", ""), id_of(row)) for row in everything]
    assert order == sorted(order, reverse=True)
    assert len(everything) > ROWS * 0.9
    agents = await agents_of_runs(api, org)
    if path == CALLS:
        everything = [{**row, "agent_id": agents[row["id"]]} for row in everything]
    found = 0
    for query in some_of(filters_of(path, org)):
        pages = urlencode({**query, "limit": 200 if len(query) > 1 else 31})
        seen = [id_of(row) for row in await followed(api, org, f"{path}?{pages}")]
        expected = [id_of(row) for row in everything if fits(row, query)]
        assert seen == expected, query
        found += len(seen) > 0
        total = (await api.get(org, f"{path}?{pages}&offset={len(expected) // 2}")).headers["x-total-count"]
        assert total == str(len(expected)), query
    assert found > 5, "most combinations find something"


async def agents_of_runs(api: Api, org: Org) -> dict[int, int]:
    """Runs do not show their agent's id."""
    async with api.database.reading() as transaction:
        rows = await transaction.rows("SELECT id, agent_id FROM runs WHERE org_id = :org_id", org_id=org.org_id)
    return {row.id: row.agent_id for row in rows}
