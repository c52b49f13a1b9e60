"""Other organisations' ids, poison records, duplicates, and one trace through every service (promises 2, 4, 10)."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.events.register import REGISTER
from tests.support.books import assert_the_books_balance
from tests.support.exposed import names_in, shown_by
from tests.support.system import SERVICES, System, a_batch, a_call
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


async def test_an_organisation_does_not_see_anothers_ids(system: System) -> None:
    mine, other = await system.org(), await system.org()
    batch = (await system.post(other, "/v1/test-call-batches", a_batch(other, 1))).json()
    (run,) = await system.all_ended(other, runs=1)
    nothing = await system.get(mine, "/v1/test-calls/9007199254740991")
    assert nothing.status_code == 404
    for path in (
        f"/v1/test-calls/{run['id']}",
        f"/v1/test-call-batches/{batch['id']}",
        f"/v1/calls/{run['call_id']}",
        f"/v1/calls/{run['call_id']}/transcript",
    ):
        answer = await system.get(mine, path)
        assert (answer.status_code, answer.content) == (404, nothing.content)
    for path in ("/v1/test-calls", "/v1/test-call-batches"):
        assert (await system.get(mine, path)).json() == []
    assert (await system.get(mine, "/v1/calls")).json()["total"] == 0
    entries = (await system.get(mine, "/v1/billing/entries")).json()["results"]
    assert [entry["kind"] for entry in entries] == ["deposit"]
    taken = await system.post(mine, "/v1/test-calls", a_call(other))
    unknown = await system.post(mine, "/v1/test-calls", {**a_call(other), "target_id": 9007199254740991})
    assert (taken.status_code, taken.content) == (404, unknown.content)


async def test_poison_on_every_topic_stops_nothing(system: System) -> None:
    org = await system.org()
    producer = AIOKafkaProducer(bootstrap_servers=system.bootstrap)
    await producer.start()
    try:
        for one in REGISTER:
            topic = system.topic_prefix + one.topic.name
            for value in (b"{", b"\xff\xfe", b'{"org_id": "no"}', None):
                headers = [("ce_type", one.type.encode()), ("ce_subject", b"9007199254740991")]
                await producer.send_and_wait(topic, key=str(org.org_id).encode(), value=value, headers=headers)
            await producer.send_and_wait(topic, key=b"x", value=b"x", headers=[("ce_subject", b"' OR 1=1 --")])
    finally:
        await producer.stop()
    assert (await system.post(org, "/v1/test-call-batches", a_batch(org, 5))).status_code == 201
    runs = await system.all_ended(org, runs=5)
    assert {run["status"] for run in runs} == {"completed"}
    await assert_the_books_balance(system, org)


async def test_everything_said_twice_changes_nothing(system: System) -> None:
    """A producer that repeats itself: every record of every topic once more, after the end and in order."""
    org = await system.org()
    assert (await system.post(org, "/v1/test-call-batches", a_batch(org, 5))).status_code == 201
    await system.all_ended(org, runs=5)
    before = await _picture(system)
    repeated = await _repeat_everything(system)
    assert repeated > 20

    async def all_heard() -> bool:
        ((heard,),) = await system.rows("SELECT sum(next_offset) FROM api.consumer_offsets")
        ((said,),) = await system.rows("SELECT count(*) FROM api.outbox")
        return int(heard) >= 2 * (int(before["heard"])) and said == 0

    await eventually(all_heard, what="the repetitions were heard")
    after = await _picture(system)
    assert {**after, "heard": 0} == {**before, "heard": 0}
    await assert_the_books_balance(system, org)


async def _picture(system: System) -> dict[str, Any]:
    questions = {
        "runs": "SELECT json_agg(r ORDER BY id) FROM (SELECT id, status, call_id, billed_cents FROM api.runs) r",
        "ledger": "SELECT json_agg(l ORDER BY id) FROM (SELECT id, kind, amount_cents FROM billing.ledger) l",
        "accounts": "SELECT json_agg(a ORDER BY org_id) FROM (SELECT org_id, version FROM billing.accounts) a",
        "slots": "SELECT json_agg(o ORDER BY org_id) FROM (SELECT org_id, in_use FROM scheduler.orgs) o",
        "attempts": "SELECT count(*) FROM caller.attempts",
        "heard": "SELECT sum(next_offset) FROM api.consumer_offsets",
    }
    return {name: (await system.rows(question))[0][0] for name, question in questions.items()}


async def _repeat_everything(system: System) -> int:
    topics = [system.topic_prefix + topic for topic in sorted({one.topic.name for one in REGISTER})]
    reader = AIOKafkaConsumer(bootstrap_servers=system.bootstrap, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=system.bootstrap)
    await reader.start()
    await producer.start()
    count = 0
    try:
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(2)]
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        for partition in partitions:
            while await reader.position(partition) < ends[partition]:
                for record in (await reader.getmany(partition, timeout_ms=500)).get(partition, []):
                    if record.offset < ends[partition]:
                        count += 1
                        await producer.send_and_wait(
                            record.topic, key=record.key, value=record.value, headers=list(record.headers),
                            partition=record.partition,
                        )  # fmt: skip
    finally:
        await reader.stop()
        await producer.stop()
    return count


async def test_one_trace_leads_from_the_post_to_the_ledger(idle_system: System, tmp_path: Path) -> None:
    for service in SERVICES:
        idle_system.start(service, TRACES_EXPORTER="file", TRACES_FILE=str(tmp_path / f"{service}.jsonl"))
    await idle_system.ready()
    org = await idle_system.org()
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    secret_words = "my unmistakable zeppelin"
    created = await idle_system.post(
        org,
        "/v1/test-calls",
        a_call(org, scenario_prompt=f"Ask about {secret_words}.", target_number="+15551230987"),
        traceparent=f"00-{trace_id}-b7ad6b7169203331-01",
    )
    assert created.headers["X-Trace-Id"] == trace_id
    await idle_system.all_ended(org, runs=1)

    def spans_of_the_trace() -> list[dict[str, Any]]:
        found = []
        for service in SERVICES:
            for line in (tmp_path / f"{service}.jsonl").read_text().splitlines():
                span = json.loads(line)
                if span["context"]["trace_id"] == f"0x{trace_id}":
                    found.append({"service": service, **span})
        return found

    async def complete() -> bool:
        names = {span["name"] for span in spans_of_the_trace() if span["service"] == "api"}
        return "process billing-entries" in names

    await eventually(complete)
    spans = spans_of_the_trace()
    named = {span["context"]["span_id"]: f"{span['service']}:{span['name']}" for span in spans}
    edges = {
        (named[span["parent_id"]], named[span["context"]["span_id"]]) for span in spans if span["parent_id"] in named
    }
    assert {
        ("api:POST /v1/test-calls", "api:publish test-call-requests"),
        ("api:publish test-call-requests", "billing:process test-call-requests"),
        ("api:publish test-call-requests", "scheduler:process test-call-requests"),
        ("billing:process test-call-requests", "billing:publish billing-entries"),
        ("billing:publish billing-entries", "scheduler:process billing-entries"),
        ("scheduler:publish test-call-admissions", "caller:process test-call-admissions"),
        ("caller:process test-call-admissions", "caller:test call"),
        ("caller:test call", "caller:publish test-call-executions"),
        ("caller:publish test-call-executions", "billing:process test-call-executions"),
        ("billing:publish billing-entries", "api:process billing-entries"),
    } <= edges
    # Promise 11: what was said, and who, is in no span and in no log.
    for name in [f"{service}.{kind}" for service in SERVICES for kind in ("jsonl", "log")]:
        text = (tmp_path / name).read_text()
        assert secret_words not in text, name
        assert "+15551230987" not in text, name
    for service in SERVICES:
        metrics = (await idle_system.client.get(f"{idle_system.ops_url(service)}/metrics")).text
        assert names_in(metrics) == shown_by(service), "its own, and no other's"
        assert secret_words not in metrics
        lines = [json.loads(line) for line in (tmp_path / f"{service}.log").read_text().splitlines()]
        assert all(line["service"] == service for line in lines)
    logged = [json.loads(line) for line in (tmp_path / "caller.log").read_text().splitlines()]
    assert any(line.get("trace_id") == trace_id and line["message"] == "call ended" for line in logged)
