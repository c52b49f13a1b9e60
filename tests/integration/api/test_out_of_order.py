"""Topics have no order among each other: whichever is heard first, the picture is the same in the end."""

from itertools import permutations

import pytest

from tests.integration.api.builders import Org
from tests.integration.api.harness import Api
from tests.integration.api.picture import all_that_is_seen
from tests.integration.api.story import EXPIRED

pytestmark = pytest.mark.integration

CHANGED_AT = ("as_of", "updated_at")


async def funds(api: Api, org: Org) -> tuple[int, int, int]:
    seen = await api.funds(org)
    return seen["balance_cents"], seen["held_cents"], seen["available_cents"]


async def test_a_charge_that_is_heard_before_the_end_of_its_call_is_shown_with_it(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear(story.reserved(), story.started())
    settled = story.settled()
    await api.hear(settled)
    assert (await api.run(story.org, story.run_id))["status"] == "in_progress"
    await api.hear(story.completed())
    call = await api.seen_call(story.org, story.call_id)
    assert (call["status"], call["billing_total_cents"], call["billable_minutes"]) == ("completed", 16, 1)
    assert (await api.run(story.org, story.run_id))["status"] == "completed"


async def test_a_charge_that_is_heard_before_its_call_started_is_shown_with_it(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear(story.reserved(), story.settled())
    assert (await api.run(story.org, story.run_id))["status"] == "queued"
    await api.hear(story.started(), story.completed())
    assert (await api.seen_call(story.org, story.call_id))["billing_total_cents"] == 16


async def test_billing_and_calls_in_every_order_come_to_the_same_picture(api: Api) -> None:
    story = await api.accepted(await api.org())
    billing, calls = [story.reserved(), story.settled()], [story.started(), story.completed()]
    pictures = []
    for order in sorted(set(permutations("bbcc"))):
        await api.change("DELETE FROM calls WHERE run_id = :id", id=story.run_id)
        await api.change("DELETE FROM ledger_entries WHERE org_id = :id AND kind <> 'deposit'", id=story.org.org_id)
        await api.change("UPDATE funds SET version = 1, balance_cents = 100000 WHERE org_id = :id", id=story.org.org_id)
        await api.change(
            """
            UPDATE runs SET status = 'queued', call_id = NULL, started_at = NULL, completed_at = NULL,
                duration_seconds = NULL, billed_at = NULL, billed_cents = NULL, billable_minutes = NULL,
                funds_answered = false
            WHERE id = :id
            """,
            id=story.run_id,
        )
        sources = {"b": iter(billing), "c": iter(calls)}
        for source in order:
            await api.hear(next(sources[source]))
        pictures.append(await all_that_is_seen(api, story.org, but=CHANGED_AT))
    assert len(pictures) == 6
    assert all(picture == pictures[0] for picture in pictures)
    assert pictures[0]["/v1/calls"]["results"][0]["billing_total_cents"] == 16


async def test_a_decline_that_is_heard_after_the_expiry_frees_the_funds_and_keeps_the_reason(api: Api) -> None:
    story = await api.accepted(await api.org(funds_cents=20))
    await api.hear(story.expired())
    before = await api.run(story.org, story.run_id)
    assert await funds(api, story.org) == (20, 0, 4)
    await api.hear(story.declined("request_expired"))
    assert await api.run(story.org, story.run_id) == before
    assert before["error_message"] == EXPIRED
    assert await funds(api, story.org) == (20, 0, 20)


async def test_an_expiry_that_is_heard_after_the_decline_changes_nothing(api: Api) -> None:
    story = await api.accepted_batch(await api.org(), 2)
    await api.hear(story.declined())
    before = await all_that_is_seen(api, story.org)
    await api.hear(story.expired(0), story.expired(1))
    assert await all_that_is_seen(api, story.org) == before


@pytest.mark.parametrize("late", ["expired", "declined", "failed"])
async def test_a_run_that_has_completed_stays_so(api: Api, late: str) -> None:
    story = await api.accepted(await api.org())
    await api.hear(story.reserved(), story.started(), story.completed())
    before = await api.run(story.org, story.run_id)
    await api.hear(getattr(story, late)())
    assert await api.run(story.org, story.run_id) == before
    assert api.ear.dead == []


async def test_a_run_that_is_in_progress_does_not_expire(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear(story.reserved(), story.started())
    await api.hear(story.expired())
    assert (await api.run(story.org, story.run_id))["status"] == "in_progress"


async def test_a_run_that_has_failed_neither_starts_nor_completes(api: Api) -> None:
    story = await api.accepted(await api.org())
    await api.hear(story.expired())
    before = await api.run(story.org, story.run_id)
    await api.hear(story.started())
    await api.hear(story.completed())
    assert await api.run(story.org, story.run_id) == before
    assert api.ear.dead == [], "what comes too late is nothing to bury"
    assert (await api.get(story.org, "/v1/calls")).json()["total"] == 0


async def test_events_of_runs_that_nobody_knows_change_nothing_and_are_no_dead_letters(api: Api) -> None:
    org, other = await api.org(), await api.org()
    story = await api.accepted(other)
    unknown = story.request.model_copy(
        update={"request_id": 10**9, "runs": (story.request.runs[0].model_copy(update={"run_id": 10**9}),)}
    )
    story.request = unknown
    before = await all_that_is_seen(api, org)
    await api.hear(story.started(), story.completed(), story.failed(), story.expired(), story.declined())
    assert await all_that_is_seen(api, org) == before
    assert api.ear.dead == []
