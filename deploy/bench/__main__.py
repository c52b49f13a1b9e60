"""`python -m deploy.bench`: measure and print.

BENCH_RUNS (20000) and BENCH_SECONDS (10) make it shorter or longer; BENCH_ONLY=pipeline or BENCH_ONLY=text leaves out
what is not that.
"""

import asyncio
import os
import platform as machine
from pathlib import Path

import psutil

from deploy.bench import measures
from deploy.bench.measures import quantile
from deploy.bench.rig import ORGS, Rig, a_rig
from deploy.bench.stages import Stages
from deploy.bench.text_calls import a_talking_rig, text_calls
from deploy.bench.usage import Usage
from deploy.local.kafka_broker import VERSION

RUNS = int(os.environ.get("BENCH_RUNS", "20000"))
WARM_UP_RUNS = 5_000  # the broker's JVM compiles what is hot meanwhile
LATENCY_CONNECTIONS = 128  # enough for each request to go out at its own time, whatever became of those before
TEXT_RUNS = 320
SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))


def _machine() -> str:
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {machine.system()} {machine.release()}, "
        f"Python {machine.python_version()}, Kafka {VERSION}, PostgreSQL with fsync and synchronous_commit on; "
        "load generator, broker, database and services all on this machine"
    )


async def _of_no_length(rig: Rig, only: str) -> None:
    one = await measures.throughput(rig, runs=RUNS, batch_runs=20, connections=8)
    print(
        f"pipeline, batches of 20 over {ORGS} organisations: {one.runs_per_second:.0f} runs/s "
        f"({one.runs} runs in {one.seconds:.1f} s; the POSTs took {one.post_seconds:.1f} s; "
        f"{_used(one.usage, one.runs)})"
    )
    if only == "pipeline":
        return
    posts = await measures.posts_per_second(rig, requests=RUNS // 4, connections=32)
    print(f"POST /v1/test-calls, 32 connections, pipeline behind: {posts:.0f} requests/s")
    for rate in (5, 100, 250, 500):
        stages = await Stages.from_now(rig)
        two = await measures.latency(rig, per_second=rate, seconds=SECONDS, connections=LATENCY_CONNECTIONS)
        print(
            f"single runs, {two.offered_per_second:.0f}/s offered, {two.reached_per_second:.0f}/s reached: "
            f"POST to settled p50 {two.p50_ms:.0f} ms, p99 {two.p99_ms:.0f} ms; "
            f"POST alone p50 {two.post_p50_ms:.0f} ms, p99 {two.post_p99_ms:.0f} ms; "
            f"{two.transactions_per_run:.1f} transactions a run"
        )
        await _print_waits(stages)


async def _of_text(rig: Rig) -> None:
    for at_once, runs in ((1, TEXT_RUNS // 16), (16, TEXT_RUNS)):
        stages = await Stages.from_now(rig)
        three = await text_calls(rig, at_once=at_once, runs=runs)
        print(
            f"text runs of three turns, agent and mind at an endpoint of 50 ms, {at_once} at once: "
            f"{three.runs_per_second:.1f} runs/s, "
            f"POST to completed p50 {three.p50_ms:.0f} ms, p95 {three.p95_ms:.0f} ms, "
            f"to settled p50 {three.settled_p50_ms:.0f} ms, p95 {three.settled_p95_ms:.0f} ms "
            f"({_used(three.usage, three.runs)})"
        )
        await _print_waits(stages)


async def _print_waits(stages: Stages) -> None:
    for step, waits in (await stages.waits_ms()).items():
        print(f"    {step}: p50 {quantile(waits, 0.5):.0f} ms, p99 {quantile(waits, 0.99):.0f} ms")


def _used(usage: Usage, runs: int) -> str:
    cpu = ", ".join(f"{name} {seconds / runs * 1e6:.0f}" for name, seconds in usage.cpu_seconds.items())
    return (
        f"CPU µs a run: {cpu}; {usage.transactions / runs:.2f} transactions and "
        f"{usage.wal_bytes / runs:.0f} bytes of WAL a run"
    )


async def _warm_up(rig: Rig) -> None:
    await measures.throughput(rig, runs=WARM_UP_RUNS, batch_runs=20, connections=8)


async def _bench(only: str) -> None:
    print(_machine())
    if only != "text":
        async with a_rig() as rig:
            await _warm_up(rig)
            await _of_no_length(rig, only)
    if only != "pipeline":
        async with a_talking_rig() as rig:
            await _warm_up(rig)
            await _of_text(rig)


if __name__ == "__main__":
    asyncio.run(_bench(os.environ.get("BENCH_ONLY", "")))
