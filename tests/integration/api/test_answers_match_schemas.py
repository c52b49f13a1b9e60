"""Every documented answer of every endpoint, asked for in earnest and read strictly by its documented shape."""

from collections.abc import Awaitable
from functools import partial

import asyncpg
import httpx2
import pytest
from pydantic import BaseModel, RootModel

from services.api.edges.db.desk import _lock_number
from services.api.edges.http.models.batches import TestCallBatch
from services.api.edges.http.models.billing import Funds, LedgerEntryPage
from services.api.edges.http.models.calls import Call, CallPage, Transcript
from services.api.edges.http.models.problems import Problem, ValidationProblem
from services.api.edges.http.models.runs import TestCallRun
from services.api.edges.http.routers.health import Health
from tests.integration.api.builders import Org, a_batch, a_number
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.story import Story
from tests.integration.api.test_openapi import DOCUMENTED, with_id

pytestmark = pytest.mark.integration


class Runs(RootModel[list[TestCallRun]]):
    """A bare list."""


class Batches(RootModel[list[TestCallBatch]]):
    """A bare list."""


SHAPES: dict[tuple[str, str], type[BaseModel]] = {
    ("post", CALLS): TestCallRun,
    ("get", CALLS): Runs,
    ("get", f"{CALLS}/{{id}}"): TestCallRun,
    ("post", f"{CALLS}/{{id}}/cancel"): TestCallRun,
    ("post", BATCHES): TestCallBatch,
    ("post", f"{BATCHES}/{{batch_id}}/cancel"): TestCallBatch,
    ("get", BATCHES): Batches,
    ("get", f"{BATCHES}/{{batch_id}}"): TestCallBatch,
    ("get", "/v1/calls"): CallPage,
    ("get", "/v1/calls/{call_id}"): Call,
    ("get", "/v1/calls/{call_id}/transcript"): Transcript,
    ("get", "/v1/billing"): Funds,
    ("get", "/v1/billing/entries"): LedgerEntryPage,
    ("get", "/v1/healthz"): Health,
}
RETRIES = {("post", f"{BATCHES}/{{batch_id}}/retry")}  # see test_retrying
ELSEWHERE = "503"  # see test_unavailable
# See test_recordings.
OF_RECORDED_CALLS = {("get", f"/v1/calls/{{call_id}}/{what}") for what in ("audio", "waveform", "figures")}


async def stories(api: Api, org: Org) -> Story:
    """Let an organisation have something of everything; return a batch of four runs, each in another state."""
    batch, declined = await api.accepted_batch(org, 4, scenario_prompts=["a", "b"]), await api.accepted(org)
    await api.hear(batch.reserved(), declined.declined(), *(batch.started(nth) for nth in range(3)))
    await api.hear(batch.completed(0), batch.failed(1), batch.settled(0), batch.released(1))
    return batch


async def test_every_good_answer_has_its_shape_at_every_stage(api: Api) -> None:
    org = await api.org()
    story, read = await stories(api, org), set()
    calls = [str(story.call_of(nth)) for nth in range(3)]
    ids = {CALLS: [str(run_id) for run_id in story.run_ids], BATCHES: [str(story.batch_id)]}
    for (method, path), shape in SHAPES.items():
        if method == "post" and "{" not in path:
            answers = [await api.post(org, path, a_batch(org, 2))]
        else:
            mine = ids.get(path.split("/{")[0], calls) if "{" in path else [""]
            ask = api.get if method == "get" else partial(api.post, body={})
            answers = [await ask(org, with_id(path, one)) for one in mine]
        for answer in answers:
            assert answer.status_code < 300, (path, answer.text)
            assert answer.headers["content-type"] == "application/json"
            shape.model_validate_json(answer.content, strict=True)
            read.add((method, path))
    assert read == set(DOCUMENTED) - OF_RECORDED_CALLS - RETRIES


async def test_every_refusal_has_its_shape(api: Api) -> None:
    rich, poor, full = await api.org(), await api.org(funds_cents=0), await api.org(max_concurrent_runs=0)
    await api.hear(a_number(rich))
    await api.change("UPDATE orgs SET max_queued_runs = 0 WHERE org_id = :id", id=full.org_id)
    seen: dict[tuple[str, str], set[str]] = {key: set() for key in set(DOCUMENTED) - RETRIES}

    async def read(
        key: tuple[str, str], shape: type[BaseModel], asked: Awaitable[httpx2.Response], status: int
    ) -> None:
        answer = await asked
        assert answer.status_code == status, (key, answer.text)
        shape.model_validate_json(answer.content, strict=True)
        seen[key].add(str(status))

    locker = await asyncpg.connect(api.database.url)
    try:
        await locker.execute("SELECT pg_advisory_lock($1)", _lock_number((rich.org_id, "running")))
        for key in set(DOCUMENTED) - RETRIES:
            method, path = key
            if path.endswith("/cancel"):
                await read(key, Problem, api.client.post(with_id(path, "1")), 401)
                await read(key, Problem, api.post(rich, with_id(path, "0"), {}), 404)
                await read(key, ValidationProblem, api.post(rich, with_id(path, "1") + "?wait=x", {}), 400)
            elif method == "post":
                body = a_batch(rich, 1)
                await api.post(rich, path, body, key="used")
                await read(key, ValidationProblem, api.post(rich, path, {**body, "mode": 1}), 400)
                await read(key, Problem, api.post_raw(rich, path, b"{"), 400)
                await read(key, Problem, api.post(rich, path, {**body, "consent_to_charge": 1}), 400)
                await read(key, Problem, api.client.post(path), 401)
                await read(key, Problem, api.post(poor, path, a_batch(poor, 1)), 402)
                await read(key, Problem, api.post(rich, path, {**body, "target_id": 1}), 404)
                await read(key, Problem, api.post(rich, path, body, key="running"), 409)
                await read(key, Problem, api.post_raw(rich, path, b" " * 1_048_577), 413)
                encoded = {**rich.authorization, "Content-Encoding": "gzip"}
                await read(key, Problem, api.client.post(path, json=body, headers=encoded), 415)
                await read(key, Problem, api.post(rich, path, {**body, "name": "b"}, key="used"), 422)
                await read(key, Problem, api.post(full, path, a_batch(full, 1)), 429)
            elif path != "/v1/healthz":
                await read(key, Problem, api.client.get(with_id(path, "1")), 401)
                if "{" in path:
                    await read(key, Problem, api.get(rich, with_id(path, "0")), 404)
                    if "400" in DOCUMENTED[key]:
                        await read(key, ValidationProblem, api.get(rich, with_id(path, "1") + "?wait=x"), 400)
                elif path != "/v1/billing":
                    await read(key, ValidationProblem, api.get(rich, f"{path}?limit=x"), 400)
    finally:
        await locker.close()
    assert seen == {key: DOCUMENTED[key] - {"200", "201", "202", ELSEWHERE} for key in seen}
