"""The measurements of zero-length calls."""

import asyncio
import time
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import asyncpg

from deploy.bench.client import Connection
from deploy.bench.rig import BenchOrg, Rig
from deploy.bench.usage import STATISTICS_SECONDS, Usage

POLL_SECONDS = 0.05
DRAIN_SECONDS = 120.0
IDLE_SECONDS = 3.0
CREATED = 201


@dataclass(frozen=True)
class Throughput:
    """Runs through the whole pipeline: from the first POST to the last ledger entry."""

    runs: int
    post_seconds: float
    seconds: float
    usage: Usage

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
    transactions_per_run: float  # idle time taken off


async def throughput(rig: Rig, *, runs: int, batch_runs: int, connections: int) -> Throughput:
    """POST batches as fast as they are taken; wait until every run is settled."""
    before = await Usage.so_far(rig)
    settled = await Settled.so_far(rig)
    began = time.monotonic()
    await _flood(rig, requests=runs // batch_runs, batch_runs=batch_runs, connections=connections)
    posted = time.monotonic()
    await settled.wait_for_more(runs)
    ended = time.monotonic()
    return Throughput(runs, posted - began, ended - began, await before.until_now(rig))


async def posts_per_second(rig: Rig, *, requests: int, connections: int) -> float:
    """POST single runs as fast as they are taken, with the pipeline working behind them."""
    settled = await Settled.so_far(rig)
    began = time.monotonic()
    await _flood(rig, requests=requests, batch_runs=0, connections=connections)
    seconds = time.monotonic() - began
    await settled.wait_for_more(requests)
    return requests / seconds


async def latency(rig: Rig, *, per_second: float, seconds: float, connections: int) -> Latency:
    """POST single runs at a steady rate, each at its own time, whatever became of those before."""
    idle = await _idle_transactions_per_second(rig)
    before = await Usage.so_far(rig)
    settled = await Settled.so_far(rig)
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
            status, run = await connection.post("/v1/test-calls", org.key, body(org, 0))
            if status != CREATED:
                raise RuntimeError(f"POST answered {status}: {run}")
            post_ms.append((time.monotonic() - due) * 1_000)
            sent[run["id"]] = due + wall

    await asyncio.gather(*(client() for _ in range(connections)))
    took = time.monotonic() - began
    await settled.wait_for_more(total)
    used = await before.until_now(rig)
    passed = time.monotonic() - began + STATISTICS_SECONDS
    waits = sorted((at - sent[run_id]) * 1_000 for run_id, at in (await settled_at(rig, list(sent))).items())
    post_ms.sort()
    return Latency(
        per_second, total / took, quantile(waits, 0.5), quantile(waits, 0.99), quantile(post_ms, 0.5),
        quantile(post_ms, 0.99), max(0.0, used.transactions - idle * passed) / total,
    )  # fmt: skip


async def settled_at(rig: Rig, run_ids: list[int]) -> dict[int, float]:
    """Return when runs were settled, in seconds since the epoch."""
    connection = await asyncpg.connect(rig.admin_url)
    rows = await connection.fetch(
        "SELECT run_id, extract(epoch FROM created_at) AS at FROM billing.ledger"
        " WHERE kind = 'settle' AND run_id = ANY($1::bigint[])",
        run_ids,
    )
    await connection.close()
    return {row["run_id"]: float(row["at"]) for row in rows}


async def _idle_transactions_per_second(rig: Rig) -> float:
    """Return what the services commit while nothing is asked of them."""
    before = await Usage.so_far(rig)
    began = time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    return (await before.until_now(rig)).transactions / (time.monotonic() - began)


async def _flood(rig: Rig, *, requests: int, batch_runs: int, connections: int) -> None:
    numbers = iter(range(requests))
    orgs = cycle(rig.orgs)
    path = "/v1/test-call-batches" if batch_runs else "/v1/test-calls"

    async def client() -> None:
        connection = await Connection.open(rig.api_port)
        for _ in numbers:
            org = next(orgs)
            status, answer = await connection.post(path, org.key, body(org, batch_runs))
            if status != CREATED:
                raise RuntimeError(f"POST answered {status}: {answer}")

    await asyncio.gather(*(client() for _ in range(connections)))


def body(org: BenchOrg, batch_runs: int, *, talks: bool = False) -> dict[str, Any]:
    """Return the body of a POST: of a batch, or of a single run for 0; with the agent that hangs up, or talks."""
    fields: dict[str, Any] = {
        "target_type": "agent",
        "target_id": org.talking_agent_id if talks else org.agent_id,
        "direction": "outbound",
        "scenario_prompt": "You want a refund for headphones that crackle. Your order number is 48213.",
        "consent_to_charge": True,
    }
    return fields | ({"run_count": batch_runs} if batch_runs else {})


class Settled:
    """Counts settled runs without reading the ledger from its beginning each time.

    Billing has one instance here and writes a poll in one transaction, so its entry ids become visible in their order.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._last_id = 0
        self._runs = 0

    @classmethod
    async def so_far(cls, rig: Rig) -> "Settled":
        """Return a counter that has counted what is there."""
        counter = cls(await asyncpg.connect(rig.admin_url))
        await counter.count()
        return counter

    async def count(self) -> int:
        """Return how many runs are settled now."""
        row = await self._connection.fetchrow(
            "SELECT max(id) AS last_id, count(*) FILTER (WHERE kind = 'settle') AS runs FROM billing.ledger"
            " WHERE id > $1",
            self._last_id,
        )
        self._last_id = row["last_id"] or self._last_id
        self._runs += row["runs"]
        return self._runs

    async def wait_for_more(self, runs: int) -> None:
        """Wait until so many more runs are settled than were counted last; end the counting."""
        wanted = self._runs + runs
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self.count() < wanted:  # noqa: ASYNC110 - asks a database
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._connection.close()


def quantile(ordered: list[float], share: float) -> float:
    """Return a quantile of values in order."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
