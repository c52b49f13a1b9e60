"""The inbound webhook makes the second leg's call log, once and for whoever has the secret; it ends with its run."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx2
import pytest

from shared.events.executions import SecondLeg, TestCallCompleted, TranscriptTurn
from shared.events.recording import Recording
from shared.hooks.inbound_calls import MAX_BODY_BYTES, PATH
from shared.hooks.signing import SIGNATURE, TIMESTAMP, signed
from tests.integration.api.assembly import HOOK_SECRET
from tests.integration.api.builders import Org
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_problem
from tests.integration.api.story import TURNS, Story
from tests.support.some_events import FIGURES

pytestmark = pytest.mark.integration

_sip_ids = count(1)
INVITED = datetime(2026, 11, 25, 12, 0, 1, 500_000, tzinfo=UTC)


def an_invite(run_id: int, **fields: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "sip_call_id": f"call-{next(_sip_ids)}@127.0.0.1",
        "from_number": "+15555550100",
        "to_number": "+15555550199",
        "invited_at": INVITED.isoformat(),
        **fields,
    }


async def told(
    api: Api, body: Any, *, secret: bytes = HOOK_SECRET, headers: dict[str, str] | None = None
) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await api.client.post(
        PATH, content=content, headers={**signed(secret, "hook-1", content), **(headers or {})}
    )


async def a_run(api: Api, **fields: Any) -> tuple[Org, Story]:
    org = await api.org()
    return org, await api.paid(org, mode="sip", **fields)


async def calls_of(api: Api, org: Org) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = (await api.get(org, "/v1/calls")).json()["results"]
    return results


def ended_with(story: Story, leg: SecondLeg | None) -> TestCallCompleted:
    return story.completed().model_copy(update={"second_leg": leg})


@pytest.mark.parametrize(("direction", "agents"), [("outbound", "inbound"), ("inbound", "outbound")])
async def test_an_inbound_leg_has_a_call_log_of_its_own(sip_api: Api, direction: str, agents: str) -> None:
    org, story = await a_run(sip_api, direction=direction)
    answer = await told(sip_api, an_invite(story.run_id))
    call_id = answer.json()["call_id"]
    assert (answer.status_code, answer.json(), call_id % 2) == (200, {"call_id": call_id}, 0)
    assert (await sip_api.run(org, story.run_id))["sip_call_id"] == call_id
    seen = await sip_api.seen_call(org, call_id)
    shown = ("agent_id", "direction", "from_number", "to_number", "start_time", "status", "product", "end_time")
    assert {name: seen[name] for name in shown} == {
        "agent_id": org.agent_id,
        "direction": agents,
        "from_number": "+15555550100",
        "to_number": "+15555550199",
        "start_time": "2026-11-25T12:00:01.500Z",
        "status": "in_progress",
        "product": "default",
        "end_time": None,
    }


async def test_the_same_invite_again_is_the_same_log_also_after_the_end(sip_api: Api) -> None:
    org, story = await a_run(sip_api)
    invite = an_invite(story.run_id)
    first = (await told(sip_api, invite)).json()
    assert (await told(sip_api, invite)).json() == first
    await sip_api.hear(story.started(), story.completed())
    assert (await told(sip_api, invite)).json() == first
    assert len(await calls_of(sip_api, org)) == 2


async def test_told_many_times_at_once_it_is_one_log(sip_api: Api) -> None:
    org, story = await a_run(sip_api)
    invite = an_invite(story.run_id)
    answers = await asyncio.gather(*(told(sip_api, invite) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["call_id"] for answer in answers}) == 1
    assert len(await calls_of(sip_api, org)) == 1


async def test_two_legs_at_once_are_one(sip_api: Api) -> None:
    org, story = await a_run(sip_api)
    answers = await asyncio.gather(*(told(sip_api, an_invite(story.run_id)) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await calls_of(sip_api, org)) == 1


async def test_a_call_id_belongs_to_one_run(sip_api: Api) -> None:
    (_, story), (_, other) = await a_run(sip_api), await a_run(sip_api)
    invite = an_invite(story.run_id)
    stolen = {**invite, "run_id": other.run_id}
    answers = await asyncio.gather(told(sip_api, invite), told(sip_api, stolen))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert_problem(await told(sip_api, stolen if answers[0].status_code == 200 else invite), 409, "other_leg")


async def test_runs_that_have_no_leg_get_none(sip_api: Api) -> None:
    org, ended = await a_run(sip_api)
    text = await sip_api.paid(org)
    await sip_api.hear(ended.started(), ended.completed())
    for run_id in (ended.run_id, text.run_id, 2**53 - 1):
        assert_problem(await told(sip_api, an_invite(run_id)), 404, "run_not_found")
    assert (await sip_api.run(org, ended.run_id))["sip_call_id"] is None
    assert len(await calls_of(sip_api, org)) == 1


async def test_who_has_no_secret_leaves_no_trace(sip_api: Api, api: Api) -> None:
    org, story = await a_run(sip_api)
    invite = an_invite(story.run_id)
    body = json.dumps(invite).encode()
    old = str(int(datetime.now(UTC).timestamp()) - 301)
    answers = [
        await sip_api.client.post(PATH, content=body),
        await sip_api.client.post(PATH, content=body, headers=org.authorization),
        await told(sip_api, invite, secret=b"somebody else's secret bytes"),
        await told(sip_api, invite, headers={SIGNATURE: "v1,AAAA"}),
        await told(sip_api, invite, headers={TIMESTAMP: old}),
        await told(api, invite),  # whose operator has set no secret
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert await calls_of(sip_api, org) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"run_id": "1"}, "run_id"),
        ({"sip_call_id": ""}, "sip_call_id"),
        ({"sip_call_id": "a b"}, "sip_call_id"),
        ({"sip_call_id": "a\r\nb"}, "sip_call_id"),
        ({"from_number": "\x00"}, "from_number"),
        ({"invited_at": "yesterday"}, "invited_at"),
        ({"invited_at": None}, "invited_at"),
    ],
)
async def test_a_wrong_field_is_named(sip_api: Api, changes: dict[str, Any], field: str) -> None:
    _, story = await a_run(sip_api)
    answer = await told(sip_api, an_invite(story.run_id) | changes)
    assert (answer.status_code, set(answer.json())) == (400, {field, "code"})


async def test_what_is_no_invite_is_refused(sip_api: Api) -> None:
    for body in (b"", b"[]", b"{", b'{"run_id": 1, "run_id": 2}', b"\xff"):
        assert_problem(await told(sip_api, body), 400, "malformed_json")
    assert_problem(await told(sip_api, b" " * (MAX_BODY_BYTES + 1)), 413, "body_too_large")
    assert (await sip_api.client.get(PATH)).status_code == 405


async def test_the_leg_ends_with_its_run_as_its_own_end_saw_it(sip_api: Api) -> None:
    org, story = await a_run(sip_api)
    call_id = (await told(sip_api, an_invite(story.run_id))).json()["call_id"]
    turn = TranscriptTurn(role="user", content_type="text/plain", content="Heard here.", start_ms=5, end_ms=9)
    leg = SecondLeg(
        sip_call_id="whatever",
        answered_at=INVITED + timedelta(seconds=1),
        ended_at=INVITED + timedelta(seconds=31),
        duration_seconds=30,
        end_reason="agent_end",
        transcript=(turn,),
        figures=FIGURES.model_copy(update={"ring_ms": 40}),
        recording=Recording(mode="recording", name=f"{org.org_id}/1b-x.wav", is_stored=True, started_at=INVITED),
    )
    await sip_api.hear(story.started(), ended_with(story, leg), story.settled())
    seen = await sip_api.seen_call(org, call_id)
    assert (seen["status"], seen["end_reason"], seen["duration_seconds"]) == ("completed", "agent_end", 30)
    assert (seen["end_time"], seen["sip_answered_at"]) == ("2026-11-25T12:00:32.500Z", "2026-11-25T12:00:02.500Z")
    assert (seen["recording_mode"], seen["recording_started_at"]) == ("recording", "2026-11-25T12:00:01.500Z")
    assert f"/recordings/{org.org_id}/1b-x.wav?" in seen["recording_url"]
    assert (await sip_api.get(org, f"/v1/calls/{call_id}/figures")).json()["ring_ms"] == 40
    own = (await sip_api.get(org, f"/v1/calls/{call_id}/transcript")).json()["transcripts"]
    assert [one["content"] for one in own] == ["Heard here."]
    first = (await sip_api.get(org, f"/v1/calls/{story.call_id}/transcript")).json()["transcripts"]
    assert len(first) == len(TURNS)


async def test_only_the_first_leg_costs_anything(sip_api: Api) -> None:
    org, story = await a_run(sip_api)
    call_id = (await told(sip_api, an_invite(story.run_id))).json()["call_id"]
    money = ("billable_minutes", "billing_total_cents", "billed_at")
    await sip_api.hear(story.started(), story.completed())
    for one in (call_id, story.call_id):
        assert [(await sip_api.seen_call(org, one))[name] for name in money] == [None, None, None]
    await sip_api.hear(story.settled())
    first, second = await sip_api.seen_call(org, story.call_id), await sip_api.seen_call(org, call_id)
    assert [first[name] for name in money[:2]] == [1, 16]
    assert [second[name] for name in money] == [0, 0, first["billed_at"]]


@pytest.mark.parametrize("how", ["completed", "failed", "failed before it was called", "expired", "lost"])
async def test_no_leg_goes_on_when_its_run_has_ended(sip_api: Api, how: str) -> None:
    org, story = await a_run(sip_api)
    call_id = (await told(sip_api, an_invite(story.run_id))).json()["call_id"]
    match how:
        case "completed":
            await sip_api.hear(story.completed(), story.started())
        case "failed":
            await sip_api.hear(story.started(), story.failed())
        case "failed before it was called":
            await sip_api.hear(story.failed(called=False))
        case "expired":
            await sip_api.hear(story.expired())
        case "lost":
            await sip_api.hear(story.started())
            await sip_api.hear_garbage(story.completed())
            await sip_api.hear(story.settled())
            sip_api.ear.dead.clear()
    run, seen = await sip_api.run(org, story.run_id), await sip_api.seen_call(org, call_id)
    assert (seen["status"], seen["end_time"]) == (run["status"], run["completed_at"])
    assert seen["end_reason"] == {"completed": "caller_hangup", "lost": None}.get(how, "error")
