"""The three measurements."""

import asyncio
import time
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import asyncpg

from deploy.bench.client import Connection
from deploy.bench.rig import BenchOrg, Rig

POLL_SECONDS = 0.05
DRAIN_SECONDS = 120.0
CREATED = 201


@dataclass(frozen=True)
class Throughput:
    """Runs through the whole pipeline: from the first POST to the last ledger entry."""

    runs: int
    post_seconds: float
    seconds: float
    cpu_seconds: dict[str, float]

    @property
    def runs_per_second(self) -> float:
        return self.runs / self.seconds


@dataclass(frozen=True)
class Latency:
    """From sending the POST to the settling ledger entry, at a steady rate of single runs."""

    offered_per_second: float
    reached_per_second: float
    p50_ms: float
    p99_ms: float
    post_p50_ms: float
    post_p99_ms: float


async def throughput(rig: Rig, *, runs: int, batch_runs: int, connections: int) -> Throughput:
    """POST batches as fast as they are taken; wait until every run is settled."""
    before = await settled(rig)
    cpu = cpu_seconds(rig)
    began = time.monotonic()
    await _flood(rig, requests=runs // batch_runs, batch_runs=batch_runs, connections=connections)
    posted = time.monotonic()
    await _until_settled(rig, before + runs)
    ended = time.monotonic()
    used = {service: seconds - cpu[service] for service, seconds in cpu_seconds(rig).items()}
    return Throughput(runs, posted - began, ended - began, used)


async def posts_per_second(rig: Rig, *, requests: int, connections: int) -> float:
    """POST single runs as fast as they are taken, with the pipeline working behind them."""
    before = await settled(rig)
    began = time.monotonic()
    await _flood(rig, requests=requests, batch_runs=0, connections=connections)
    seconds = time.monotonic() - began
    await _until_settled(rig, before + requests)
    return requests / seconds


async def latency(rig: Rig, *, per_second: float, seconds: float, connections: int) -> Latency:
    """POST single runs at a steady rate, each at its own time, whatever became of those before."""
    before = await settled(rig)
    total = int(per_second * seconds)
    sent: dict[int, float] = {}
    post_ms: list[float] = []
    numbers = iter(range(total))
    orgs = cycle(rig.orgs)
    began = time.monotonic() + 0.2
    wall = time.time() - time.monotonic()

    async def client() -> None:
        connection = await Connection.open(rig.api_port)
        for number in numbers:
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            org = next(orgs)
            status, run = await connection.post("/v1/test-calls", org.key, _body(org, 0))
            if status != CREATED:
                raise RuntimeError(f"POST answered {status}: {run}")
            post_ms.append((time.monotonic() - due) * 1_000)
            sent[run["id"]] = due + wall

    await asyncio.gather(*(client() for _ in range(connections)))
    took = time.monotonic() - began
    await _until_settled(rig, before + total)
    rows = await _ask(
        rig,
        "SELECT run_id, extract(epoch FROM created_at) AS at FROM billing.ledger"
        " WHERE kind = 'settle' AND run_id = ANY($1::bigint[])",
        list(sent),
    )
    waits = sorted((float(row["at"]) - sent[row["run_id"]]) * 1_000 for row in rows)
    post_ms.sort()
    return Latency(
        per_second, total / took, _quantile(waits, 0.5), _quantile(waits, 0.99), _quantile(post_ms, 0.5),
        _quantile(post_ms, 0.99),
    )  # fmt: skip


async def _flood(rig: Rig, *, requests: int, batch_runs: int, connections: int) -> None:
    numbers = iter(range(requests))
    orgs = cycle(rig.orgs)
    path = "/v1/test-call-batches" if batch_runs else "/v1/test-calls"

    async def client() -> None:
        connection = await Connection.open(rig.api_port)
        for _ in numbers:
            org = next(orgs)
            status, answer = await connection.post(path, org.key, _body(org, batch_runs))
            if status != CREATED:
                raise RuntimeError(f"POST answered {status}: {answer}")

    await asyncio.gather(*(client() for _ in range(connections)))


def _body(org: BenchOrg, batch_runs: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "target_type": "agent",
        "target_id": org.agent_id,
        "direction": "outbound",
        "scenario_prompt": "You want a refund for headphones that crackle. Your order number is 48213.",
        "consent_to_charge": True,
    }
    return body | ({"run_count": batch_runs} if batch_runs else {})


async def settled(rig: Rig) -> int:
    """Return how many runs are settled."""
    return int((await _ask(rig, "SELECT count(*) AS n FROM billing.ledger WHERE kind = 'settle'"))[0]["n"])


async def _until_settled(rig: Rig, runs: int) -> None:
    async with asyncio.timeout(DRAIN_SECONDS):
        while await settled(rig) < runs:  # noqa: ASYNC110 - asks a database
            await asyncio.sleep(POLL_SECONDS)


async def _ask(rig: Rig, question: str, *values: object) -> list[Any]:
    connection = await asyncpg.connect(rig.admin_url)
    try:
        return list(await connection.fetch(question, *values))
    finally:
        await connection.close()


def cpu_seconds(rig: Rig) -> dict[str, float]:
    """Return the CPU time that each service has used."""
    import psutil

    used = {}
    for service, pid in rig.processes.items():
        times = psutil.Process(pid).cpu_times()
        used[service] = times.user + times.system
    return used


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
