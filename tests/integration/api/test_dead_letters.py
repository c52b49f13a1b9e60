"""What nobody can read: no run stays open for it, no funds stay counted for it, and everything else goes on."""

import pytest
from prometheus_client import REGISTRY

from shared.events.directory import AgentDeleted, ApiKeyRevoked
from tests.integration.api.harness import CALLS, Api
from tests.integration.api.picture import all_that_is_seen
from tests.integration.api.story import Story

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("dead_letters_are_cleared")]


async def in_progress(api: Api) -> Story:
    story = await api.accepted_batch(await api.org(), 1)
    await api.hear(story.reserved(), story.started())
    return story


async def test_an_unreadable_failure_fails_the_run_and_its_call(api: Api) -> None:
    story = await in_progress(api)
    await api.hear_garbage(story.failed())
    run = await api.run(story.org, story.run_id)
    call = await api.seen_call(story.org, story.call_id)
    batch = await api.seen_batch(story.org, story.batch_id)
    assert (run["status"], run["error_message"]) == ("failed", "The result of the call could not be read")
    assert (call["status"], call["end_reason"], call["end_time"]) == ("failed", "error", run["completed_at"])
    assert call["start_time"] == run["started_at"]
    assert (batch["status"], batch["failed_runs"]) == ("failed", 1)
    assert api.ear.dead == ["test-call-executions-dlq"]


async def test_an_unreadable_end_of_a_run_that_waited_fails_it_without_a_call(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear_garbage(story.failed(called=False))
    run = await api.run(story.org, story.run_id)
    assert (run["status"], run["call_id"], run["started_at"]) == ("failed", None, None)


@pytest.mark.parametrize("late", ["completed", "failed", "expired", "declined"])
async def test_an_unreadable_event_after_the_end_changes_nothing(api: Api, late: str) -> None:
    story = await in_progress(api)
    await api.hear(story.completed())
    before = await all_that_is_seen(api, story.org)
    await api.hear_garbage(getattr(story, late)())
    assert await all_that_is_seen(api, story.org) == before


async def test_an_unreadable_expiry_fails_a_run_that_waits(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear_garbage(story.expired())
    run = await api.run(story.org, story.run_id)
    assert (run["status"], run["error_message"]) == ("failed", "The run was given up before it started")


async def test_an_unreadable_expiry_of_a_run_that_started_changes_nothing(api: Api) -> None:
    story = await in_progress(api)
    await api.hear_garbage(story.expired())
    assert (await api.run(story.org, story.run_id))["status"] == "in_progress"


async def test_an_unreadable_decline_fails_the_whole_request_and_frees_its_estimate(api: Api) -> None:
    story = await api.accepted_batch(await api.org(funds_cents=32), 2)
    assert (await api.funds(story.org))["available_cents"] == 0
    await api.hear_garbage(story.declined())
    assert (await api.funds(story.org))["available_cents"] == 32
    assert {(await api.run(story.org, run_id))["status"] for run_id in story.run_ids} == {"failed"}
    assert (await api.seen_batch(story.org, story.batch_id))["status"] == "failed"


async def test_an_unreadable_reservation_answers_the_request_and_the_next_account_is_right(api: Api) -> None:
    story = await api.accepted(await api.org(funds_cents=100))
    await api.hear_garbage(story.reserved())
    assert (await api.run(story.org, story.run_id))["status"] == "queued"
    await api.hear(story.org.deposited(1))
    funds = await api.funds(story.org)
    assert (funds["balance_cents"], funds["held_cents"], funds["available_cents"]) == (101, 16, 85)


async def test_a_completion_whose_start_could_not_be_read_still_has_its_call(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear(story.reserved())
    await api.hear_garbage(story.started())
    assert (await api.run(story.org, story.run_id))["status"] == "queued"
    await api.hear(story.completed())
    run, call = await api.run(story.org, story.run_id), await api.seen_call(story.org, story.call_id)
    assert (run["status"], run["call_id"], run["duration_seconds"]) == ("completed", story.call_id, 54)
    assert (call["start_time"], call["end_time"]) == (run["started_at"], run["completed_at"])
    assert (call["direction"], call["agent_id"]) == ("inbound", story.org.agent_id)
    assert run["transcript"] != []


async def test_one_poison_record_does_not_hold_up_its_neighbours(api: Api) -> None:
    first, second = await in_progress(api), await in_progress(api)
    too_long = first.completed().model_copy(update={"duration_seconds": 2**40})  # an event may, its column cannot
    await api.hear(too_long, second.completed())
    assert (await api.run(second.org, second.run_id))["status"] == "completed"
    assert (await api.run(first.org, first.run_id))["status"] == "in_progress"
    await api.hear(first.settled())
    assert (await api.run(first.org, first.run_id))["status"] == "completed"
    assert api.ear.dead == ["test-call-executions-dlq"]


async def test_an_unreadable_revocation_revokes_the_key_that_its_headers_name(api: Api) -> None:
    """Fail closed: the key and the subject of the record say all that the event would have said."""
    org, other = await api.org(), await api.org()
    await api.hear_garbage(ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 2))
    assert (await api.get(other, CALLS)).status_code == 200
    assert (await api.get(org, CALLS)).status_code == 401


async def test_an_unreadable_revocation_without_an_organisation_revokes_the_key_wherever_it_is(api: Api) -> None:
    org, other = await api.org(), await api.org()
    await api.ear.hear_garbage(ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 2), key=b"acme")
    assert (await api.get(other, CALLS)).status_code == 200
    assert (await api.get(org, CALLS)).status_code == 401


async def test_an_unreadable_revocation_that_names_no_key_is_an_alarm(api: Api) -> None:
    org = await api.org()
    before = REGISTRY.get_sample_value("rehearsal_unknown_revocations_total") or 0
    event = ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 2)
    await api.ear.hear_garbage(event, without="ce_subject")
    assert REGISTRY.get_sample_value("rehearsal_unknown_revocations_total") == before + 1


async def test_an_unreadable_deletion_deletes_what_its_headers_name(api: Api) -> None:
    org = await api.org()
    assert (await api.call(org)).status_code == 201
    await api.hear_garbage(AgentDeleted(org_id=org.org_id, agent_id=org.agent_id))
    assert (await api.call(org)).status_code == 404
