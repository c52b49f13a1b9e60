"""Requests and polls read what they are about, however many runs, calls and entries one organisation has, or all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.api.edges.recordings.tidying import look_for_orphans, tidy_once
from shared.events.directory import AgentDeleted, ApiKeyRevoked, PhoneNumberDeleted
from shared.events.recording import Recording
from shared.recordings.names import new_names
from shared.recordings.store import RecordingStore, in_folder
from tests.integration.api.assembly import an_api
from tests.integration.api.builders import Org, a_call, a_key, a_number, an_agent
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.paging import ids, links
from tests.integration.api.story import Story
from tests.integration.api.test_every_filter import CALL_LOGS, ENTRIES, filters_of, some_of
from tests.integration.api.test_inbound_calls import an_invite, told
from tests.integration.api.test_recordings import recorded, settled
from tests.support.databases import TestDatabase
from tests.support.plans import assert_nothing_reads_too_much


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return in_folder(tmp_path)


@pytest.fixture
async def api(test_database: TestDatabase, store: RecordingStore) -> AsyncIterator[Api]:
    """An API of this test's own: its database is about to be filled."""
    async with an_api(test_database.url("api"), offers_sip=True, store=store) as api:
        yield api


async def live(api: Api, store: RecordingStore) -> None:
    """Hear everything that the API hears, answer every request; leave runs of every state behind."""
    org = await api.org(funds_cents=10**6, max_concurrent_runs=500, max_queued_runs=10_000)
    await api.hear(a_number(org, inbound=org.agent_id, outbound=org.agent_id))
    await api.hear(an_agent(org, 11), a_key(org, "sk_other", nth=12), a_number(org, nth=501))
    await api.hear(AgentDeleted(org_id=org.org_id, agent_id=org.org_id + 11))
    await api.hear(PhoneNumberDeleted(org_id=org.org_id, phone_number_id=org.org_id + 501))
    await api.hear(ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 12))
    number = {"target_type": "phone_number", "target_id": org.org_id + 500}
    for nth in range(2):
        await api.post(org, CALLS, a_call(org), key=f"once {nth % 1}")
    declined, expired, lost = await api.accepted(org), await api.accepted(org), await api.accepted(org)
    await api.hear(declined.declined(), expired.reserved(), expired.expired(), lost.reserved(), lost.started())
    await api.hear_garbage(lost.completed())
    await api.hear(lost.settled())
    for fields in ({}, number, {"direction": "inbound"}):
        await through(api, await api.accepted_batch(org, 20, **fields))
        await api.accepted(org, **fields)
    for garbage in (declined.declined(), expired.reserved(), expired.expired(), lost.failed(), lost.settled()):
        await api.hear_garbage(garbage)
    for path in (CALLS, BATCHES, CALL_LOGS, ENTRIES):
        for query in some_of({name: values[:1] for name, values in filters_of(path, org).items()}):
            asked = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in query.items())
            answer = await api.get(org, f"{path}?limit=1&{asked}")
            await api.get(org, f"{path}?limit=1&offset=1&{asked}")
            if "next" in links(answer):
                following = await api.get(org, links(answer)["next"])
                await api.get(org, links(following)["prev"])
        for one in ids(await api.get(org, f"{path}?limit=1"))[: path != ENTRIES]:
            assert (await api.get(org, f"{path}/{one}")).status_code == 200
    await api.get(org, "/v1/billing")
    await with_sound(api, org, store)
    await api.get(org, f"{CALL_LOGS}/{lost.call_id}/transcript")


async def with_sound(api: Api, org: Org, store: RecordingStore) -> None:
    """Let calls over SIP have second legs, recordings and figures; let one recording go, and one never come."""
    stories = [await api.accepted(org, mode="sip") for _ in range(3)]
    for nth, story in enumerate(stories):
        assert (await told(api, an_invite(story.run_id))).status_code == 200
        name, peaks_name = new_names(org.org_id, story.call_id)
        there = Recording(mode="recording", name=name, peaks_name=peaks_name, is_stored=nth < 2)
        await api.hear(story.reserved(), story.started(), recorded(story, there))
        await api.hear(settled(story, there.model_copy(update={"name": "7/late.wav"})))
        for what in ("audio", "waveform", "figures"):
            await api.get(org, f"{CALL_LOGS}/{story.call_id}/{what}")
    # So that some are told of as too old, and some as never settled.
    await api.change("UPDATE recordings SET heard_at = now() - make_interval(days => 9)")
    await api.change("UPDATE recordings SET is_settled = false WHERE NOT is_stored")
    await store.put("7/1a-nobody-knows-this-one-any-more.wav", b"sound")
    await tidy_once(api.database, store, 5)
    await look_for_orphans(api.database, store, 5)


async def through(api: Api, story: Story) -> None:
    """Let a batch's runs come to every stage that there is."""
    await api.hear(story.reserved(), *(story.started(nth) for nth in range(19)))
    await api.hear(*(story.completed(nth) for nth in range(14)), *(story.failed(nth) for nth in range(14, 18)))
    await api.hear(*(story.settled(nth) for nth in range(13)), *(story.released(nth) for nth in range(14, 17)))


@pytest.mark.integration
async def test_no_statement_reads_everything(api: Api, store: RecordingStore, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(
        lambda: live(api, store),
        test_database,
        "api",
        rows=60_000,
        statements_at_least=100,
        lost="DROP INDEX api.runs_of_request",
    )


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_no_statement_reads_a_million_rows(api: Api, store: RecordingStore, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(lambda: live(api, store), test_database, "api", rows=1_000_000)
