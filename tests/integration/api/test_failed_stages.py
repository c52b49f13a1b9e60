"""A run that failed, during its call or while it waited, as its customer sees it: free, with an end and a reason."""

import pytest

from shared.events.fields import timestamp
from tests.integration.api.harness import Api
from tests.integration.api.story import EXPIRED, FAILED, TURNS

pytestmark = pytest.mark.integration


async def test_a_call_that_failed_is_free_and_says_why(api: Api) -> None:
    story = await api.paid(await api.org())
    await api.hear(story.started())
    run_before = await api.run(story.org, story.run_id)
    call_before = await api.seen_call(story.org, story.call_id)
    released = story.released()
    await api.hear(story.failed(), released)
    run, end = await api.run(story.org, story.run_id), timestamp(story.ended_at(duration_seconds=0))
    assert run == {
        **run_before,
        "status": "failed",
        "error_message": FAILED,
        "completed_at": end,
        "duration_seconds": 0,
        "transcript": [TURNS[0].model_dump()],
        "updated_at": run["updated_at"],
    }
    assert await api.seen_call(story.org, story.call_id) == {
        **call_before,
        "status": "failed",
        "end_time": end,
        "duration_seconds": 0,
        "end_reason": "error",
        "billable_minutes": 0,
        "billing_total_cents": 0,
        "billed_at": timestamp(released.billed_at),
    }


@pytest.mark.parametrize("end", ["expired", "declined", "failed"])
async def test_a_run_that_failed_while_it_waited_has_an_end_without_a_start(api: Api, end: str) -> None:
    story = await api.accepted(await api.org())
    queued = await api.run(story.org, story.run_id)
    event = story.failed(called=False) if end == "failed" else getattr(story, end)()
    await api.hear(event)
    run = await api.run(story.org, story.run_id)
    assert run == {
        **queued,
        "status": "failed",
        "error_message": run["error_message"],
        "completed_at": run["completed_at"],
        "updated_at": run["updated_at"],
    }
    assert run["error_message"] == {
        "expired": EXPIRED,
        "failed": FAILED,
        "declined": "The available funds were below the estimate when they were to be held",
    }.get(end)
    assert queued["created_at"] <= run["completed_at"]
    assert (await api.get(story.org, "/v1/calls")).json()["total"] == 0
