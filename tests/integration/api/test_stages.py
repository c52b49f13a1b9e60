"""A run and its call as their customer sees them, at every stage from queued to billed."""

from typing import Any

import pytest

from shared.events.fields import timestamp
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_problem
from tests.integration.api.story import TURNS, Story

pytestmark = pytest.mark.integration

NULL_SO_FAR = (
    *("agent_variant_id", "agent_variant_label", "call_outcome", "cloud_run_execution_name", "collected_values"),
    *("consent_evidence", "extracted_data", "goal_achievement", "goal_reasoning", "livekit_room_name"),
    *("livekit_room_sid", "outbound_dial_state", "recording_policy", "recording_retention_notice"),
    *("recording_started_at", "sip_answered_at", "steps_trace", "transfer_bridge_kind", "transfer_bridge_seconds"),
    *("transfer_bridge_total_cents", "transfer_outcome", "transfer_sip_status"),
)

TRANSCRIPT = [turn.model_dump() for turn in TURNS]


async def transcript(api: Api, story: Story) -> Any:
    answer = await api.get(story.org, f"/v1/calls/{story.call_id}/transcript")
    assert answer.status_code == 200
    return answer.json()


async def test_a_run_that_is_paid_for_waits_unchanged(api: Api) -> None:
    story = await api.accepted(await api.org())
    before = await api.run(story.org, story.run_id)
    await api.hear(story.reserved())
    assert await api.run(story.org, story.run_id) == before
    assert (await api.get(story.org, f"/v1/calls/{story.call_id}")).status_code == 404
    assert (await api.get(story.org, f"/v1/calls/{story.call_id}/transcript")).status_code == 404


async def test_a_run_in_progress_has_a_call_without_an_end(api: Api) -> None:
    story = await api.paid(await api.org())
    queued = await api.run(story.org, story.run_id)
    await api.hear(story.started())
    run = await api.run(story.org, story.run_id)
    start_time = timestamp(story.placed_at())
    assert run == {
        **queued,
        "status": "in_progress",
        "call_id": story.call_id,
        "started_at": start_time,
        "updated_at": run["updated_at"],
    }
    assert run["updated_at"] > queued["updated_at"]
    assert await api.seen_call(story.org, story.call_id) == {
        "call_id": story.call_id,
        "agent_id": story.org.agent_id,
        "direction": "inbound",
        "from_number": "+15555550100",
        "to_number": "+15555550199",
        "start_time": start_time,
        "end_time": None,
        "duration_seconds": None,
        "status": "in_progress",
        "end_reason": None,
        "recording_url": None,
        "is_test_call": True,
        "product": "default",
        "voice": "",
        "billable_minutes": None,
        "billing_total_cents": None,
        "billed_at": None,
        "grade_score": None,
        "grade_status": None,
        "grade_updated_at": None,
        "issue_count": 0,
        "critical_issue_count": 0,
        **dict.fromkeys(NULL_SO_FAR),
        **{
            "is_scenario_call": False,
            "is_simulation": False,
            "locale": "en-US",
            "recording_mode": "disabled_by_config",
        },
        **{"prompt_snapshot": "", "thinking_level": "", "transfer_destination": ""},
        **{"tool_snapshot": [], "unresolved_variables": [], "variables": {}},
    }
    assert await transcript(api, story) == {"call_id": story.call_id, "transcripts": []}


async def test_a_completed_run_has_a_duration_and_a_transcript_and_no_price_yet(api: Api) -> None:
    story = await api.paid(await api.org())
    await api.hear(story.started())
    run_before = await api.run(story.org, story.run_id)
    call_before = await api.seen_call(story.org, story.call_id)
    await api.hear(story.completed(duration_seconds=54, end_reason="agent_end"))
    run = await api.run(story.org, story.run_id)
    end = timestamp(story.ended_at(duration_seconds=54))
    assert run == {
        **run_before,
        "status": "completed",
        "completed_at": end,
        "duration_seconds": 54,
        "transcript": TRANSCRIPT,
        "updated_at": run["updated_at"],
    }
    assert await api.seen_call(story.org, story.call_id) == {
        **call_before,
        "status": "completed",
        "end_time": end,
        "duration_seconds": 54,
        "end_reason": "agent_end",
    }
    assert await transcript(api, story) == {"call_id": story.call_id, "transcripts": TRANSCRIPT}


async def test_billings_answer_is_all_that_it_changes(api: Api) -> None:
    story = await api.paid(await api.org())
    await api.hear(story.started(), story.completed())
    run_before = await api.run(story.org, story.run_id)
    call_before = await api.seen_call(story.org, story.call_id)
    settled = story.settled()
    await api.hear(settled)
    run = await api.run(story.org, story.run_id)
    assert run == {**run_before, "updated_at": run["updated_at"]}
    assert await api.seen_call(story.org, story.call_id) == {
        **call_before,
        "billable_minutes": 1,
        "billing_total_cents": 16,
        "billed_at": timestamp(settled.billed_at),
    }


async def test_an_inbound_run_makes_an_outbound_call_log(api: Api) -> None:
    story = await api.paid(await api.org(), direction="inbound", target_number="+442071838750")
    await api.hear(story.started())
    call = await api.seen_call(story.org, story.call_id)
    assert (call["direction"], call["from_number"], call["to_number"]) == (
        "outbound",
        "+15555550199",
        "+442071838750",
    )


@pytest.mark.parametrize("end_reason", ["caller_hangup", "agent_end", "transfer", "timeout"])
async def test_every_way_to_end_in_order_is_shown(api: Api, end_reason: Any) -> None:
    story = await api.paid(await api.org())
    await api.hear(story.started(), story.completed(end_reason=end_reason))
    assert (await api.seen_call(story.org, story.call_id))["end_reason"] == end_reason


@pytest.mark.parametrize("part", ["audio", "grade", "history"])
async def test_what_no_call_has_yet_is_not_found(api: Api, part: str) -> None:
    """A call without a recording answers 404 to /audio, one without a grade to /grade, as a call that is not there."""
    story = await api.paid(await api.org())
    await api.hear(story.started(), story.completed(), story.settled())
    own = await api.get(story.org, f"/v1/calls/{story.call_id}/{part}")
    nobodys = await api.get(story.org, f"/v1/calls/9007199254740991/{part}")
    assert_problem(own, 404, "not_found")
    assert own.content == nobodys.content
    again = await api.post(story.org, f"/v1/calls/{story.call_id}/{part}", {})
    assert again.status_code == (405 if part == "audio" else 404), "audio is read alone"
