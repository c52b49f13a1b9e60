"""Ids: another organisation's answers with the bytes of one that does not exist, and so does what is no id."""

import pytest

from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_problem
from tests.integration.api.story import Story

pytestmark = pytest.mark.integration

NOBODYS = 9_007_199_254_740_991
PATHS = (f"{CALLS}/%s", f"{BATCHES}/%s", "/v1/calls/%s", "/v1/calls/%s/transcript")
NO_IDS = [
    *("0", "-1", "-0", "1.5", "1.0", "1e3", "abc", "0x1", "+1", "1_000", "%201", "1%20", "%00", "1%00", "%0A1", "null"),
    *("9007199254740992", str(10**30), "9" * 5_000, "%D9%A1", "%EF%BC%91", "%FF", "'%20OR%201=1", "..%2F1", "1;2"),
]


async def a_billed_batch(api: Api) -> Story:
    story = await api.accepted_batch(await api.org(), 1)
    await api.hear(story.reserved(), story.started(), story.completed(), story.settled())
    return story


async def test_anothers_ids_answer_as_ids_that_do_not_exist(api: Api) -> None:
    theirs, mine = await a_billed_batch(api), await a_billed_batch(api)
    ids = (theirs.run_id, theirs.batch_id, theirs.call_id, theirs.call_id)
    for path, number in zip(PATHS, ids, strict=True):
        assert (await api.get(theirs.org, path % number)).status_code == 200, path
        taken, unknown = await api.get(mine.org, path % number), await api.get(mine.org, path % NOBODYS)
        assert_problem(taken, 404, "not_found")
        assert taken.content == unknown.content
        assert taken.headers.keys() == unknown.headers.keys()


async def test_no_list_shows_what_is_anothers(api: Api) -> None:
    theirs, org = await a_billed_batch(api), await api.org(funds_cents=0)
    assert (await api.get(org, CALLS)).json() == (await api.get(org, BATCHES)).json() == []
    filters = {
        CALLS: (f"agent_id={theirs.org.agent_id}", f"batch_id={theirs.batch_id}", "status=completed"),
        "/v1/calls": (f"agent_id={theirs.org.agent_id}", "from_number=%2B15555550100", "status=completed"),
        "/v1/billing/entries": (f"run_id={theirs.run_id}", "kind=settle", ""),
    }
    for path, questions in filters.items():
        for question in questions:
            assert (await api.get(theirs.org, f"{path}?{question}")).headers["x-total-count"] != "0", question
            answer = await api.get(org, f"{path}?{question}")
            assert answer.headers["x-total-count"] == "0", question
            assert theirs.org.key not in answer.text
    assert (await api.funds(org))["balance_cents"] == 0


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_no_id_is_not_found(api: Api, path: str) -> None:
    org = await api.org()
    unknown = await api.get(org, path % NOBODYS)
    for number in NO_IDS:
        answer = await api.get(org, path % number)
        assert answer.status_code == 404, number
        assert answer.content == unknown.content, number


@pytest.mark.parametrize("path", [CALLS, "/v1/calls"])
async def test_another_way_to_write_an_id_is_no_id(api: Api, path: str) -> None:
    """One resource has one address: what JSON does not take as an integer, the path does not take either."""
    story = await a_billed_batch(api)
    number = story.run_id if path == CALLS else story.call_id
    assert (await api.get(story.org, f"{path}/{number}")).status_code == 200
    assert (await api.get(story.org, f"{path}/0{number}")).status_code == 404
