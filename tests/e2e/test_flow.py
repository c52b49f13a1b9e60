"""A test call from POST to settled ledger."""

import pytest

from tests.support.system import System, a_batch, a_call

pytestmark = pytest.mark.e2e


async def test_a_test_call_runs_from_the_post_to_the_settled_ledger(system: System) -> None:
    org = await system.org()
    created = await system.post(org, "/v1/test-calls", a_call(org))
    assert created.status_code == 201, created.text
    assert created.json()["status"] == "queued"
    (run,) = await system.all_ended(org, runs=1)
    assert run["status"] == "completed", run["error_message"]
    assert run["transcript"][0]["role"] == "assistant"
    assert run["transcript"][1]["content"] == "Hi. What are your opening hours on Sunday, please?"
    call = (await system.get(org, f"/v1/calls/{run['call_id']}")).json()
    assert (call["direction"], call["end_reason"], call["billing_total_cents"]) == ("inbound", "caller_hangup", 16)
    assert (call["start_time"], call["end_time"]) == (run["started_at"], run["completed_at"])
    entries = (await system.get(org, "/v1/billing/entries")).json()["results"]
    assert [(entry["kind"], entry["amount_cents"]) for entry in entries] == [
        ("settle", 16),
        ("hold", 16),
        ("deposit", 50_000),
    ]
    assert (await system.get(org, "/v1/billing")).json()["balance_cents"] == 49_984
    transcript = (await system.get(org, f"/v1/calls/{run['call_id']}/transcript")).json()
    assert transcript == {"call_id": run["call_id"], "transcripts": run["transcript"]}


async def test_a_batch_runs_to_its_end(system: System) -> None:
    org = await system.org()
    created = await system.post(org, "/v1/test-call-batches", a_batch(org, 5, stagger_seconds=1))
    assert created.status_code == 201, created.text
    runs = await system.all_ended(org, runs=5)
    batch = (await system.get(org, f"/v1/test-call-batches/{created.json()['id']}")).json()
    assert (batch["status"], batch["completed_runs"]) == ("completed", 5)
    assert batch["started_at"] == min(run["started_at"] for run in runs)
