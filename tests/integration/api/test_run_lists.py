"""Filters of runs and batches: each alone, and together."""

from typing import Any

import pytest

from tests.integration.api.builders import a_number, an_agent
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_invalid

pytestmark = pytest.mark.integration


async def test_runs_are_filtered_by_what_they_call(api: Api) -> None:
    org = await api.org()
    number: dict[str, Any] = {"target_type": "phone_number", "target_id": org.org_id + 500}
    await api.hear(an_agent(org, 11, "Inga"), a_number(org, inbound=org.org_id + 11, outbound=org.agent_id))
    ann = (await api.call(org)).json()["id"]
    inga = (await api.call(org, target_id=org.org_id + 11)).json()["id"]
    inga_by_number = (await api.call(org, **number)).json()["id"]
    ann_by_number = (await api.call(org, **number, direction="inbound")).json()["id"]

    async def found(query: str) -> set[int]:
        answer = await api.get(org, f"{CALLS}?{query}")
        assert answer.headers["x-total-count"] == str(len(answer.json()))
        return {run["id"] for run in answer.json()}

    assert await found("target_type=agent") == {ann, inga}
    assert await found("target_type=phone_number") == {inga_by_number, ann_by_number}
    assert await found(f"agent_id={org.agent_id}") == {ann, ann_by_number}
    assert await found(f"agent_id={org.org_id + 11}") == {inga, inga_by_number}
    assert await found(f"agent_id={org.org_id + 11}&target_type=agent") == {inga}
    assert await found("agent_id=9007199254740991") == set()


async def test_runs_are_filtered_by_status_and_batch(api: Api) -> None:
    org = await api.org()
    story, other = await api.accepted_batch(org, 4), await api.accepted(org)
    await api.hear(story.started(1), story.started(2), story.completed(2), story.failed(3, called=False))
    expected = {"queued": [0], "in_progress": [1], "completed": [2], "failed": [3]}
    for status, places in expected.items():
        runs = (await api.get(org, f"{CALLS}?status={status}&batch_id={story.batch_id}")).json()
        assert [run["id"] for run in runs] == [story.run_ids[place] for place in places]
        assert {run["status"] for run in runs} == {status}
    queued = (await api.get(org, f"{CALLS}?status=queued")).json()
    assert [run["id"] for run in queued] == [other.run_id, story.run_ids[0]]


async def test_batches_are_filtered_by_status_and_target(api: Api) -> None:
    org = await api.org()
    await api.hear(a_number(org, inbound=org.agent_id))
    open_, failed = await api.accepted_batch(org, 1), await api.accepted_batch(org, 1)
    completed = await api.accepted_batch(org, 1, target_type="phone_number", target_id=org.org_id + 500)
    await api.hear(failed.expired(), completed.started(), completed.completed())
    for query, expected in {
        "status=in_progress": [open_],
        "status=failed": [failed],
        "status=completed": [completed],
        "status=pending": [],
        "target_type=agent": [failed, open_],
        "target_type=phone_number": [completed],
        "target_type=agent&status=failed": [failed],
    }.items():
        answer = await api.get(org, f"{BATCHES}?{query}")
        assert [batch["id"] for batch in answer.json()] == [story.batch_id for story in expected], query
        assert answer.headers["x-total-count"] == str(len(expected)), query


@pytest.mark.parametrize(
    ("path", "parameter", "value"),
    [
        *((CALLS, "target_type", value) for value in ("", "Agent", "agents", "agent%20", "agent%00")),
        *((CALLS, "status", value) for value in ("", "pending", "QUEUED", "done", "queued,failed")),
        *((CALLS, "agent_id", value) for value in ("", "0", "-1", "abc", "1.0", "9" * 30)),
        *((CALLS, "batch_id", value) for value in ("", "0", "x", "null")),
        *((BATCHES, "status", value) for value in ("", "queued", "x")),
        (BATCHES, "target_type", "x"),
    ],
)
async def test_a_value_that_nothing_can_have_is_refused_by_name(
    api: Api, path: str, parameter: str, value: str
) -> None:
    assert_invalid(await api.get(await api.org(), f"{path}?{parameter}={value}"), parameter)
