"""`python -m deploy.bench`: measure and print.

BENCH_RUNS (20000) and BENCH_SECONDS (10) make it shorter or longer; BENCH_ONLY=pipeline leaves out what is not that.
"""

import asyncio
import os
import platform as machine
from pathlib import Path

import psutil

from deploy.bench import measures
from deploy.bench.rig import ORGS, a_rig
from deploy.local.kafka_broker import VERSION

RUNS = int(os.environ.get("BENCH_RUNS", "20000"))
WARM_UP_RUNS = 5_000  # the broker's JVM compiles what is hot meanwhile
LATENCY_CONNECTIONS = 128  # enough for each request to go out at its own time, whatever became of those before
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


async def _bench() -> None:
    print(_machine())
    async with a_rig() as rig:
        await measures.throughput(rig, runs=WARM_UP_RUNS, batch_runs=20, connections=8)
        one = await measures.throughput(rig, runs=RUNS, batch_runs=20, connections=8)
        cpu = ", ".join(f"{name} {seconds / one.runs * 1e6:.0f}" for name, seconds in one.cpu_seconds.items())
        print(
            f"pipeline, batches of 20 over {ORGS} organisations: {one.runs_per_second:.0f} runs/s "
            f"({one.runs} runs in {one.seconds:.1f} s; the POSTs took {one.post_seconds:.1f} s; CPU µs a run: {cpu})"
        )
        if os.environ.get("BENCH_ONLY") == "pipeline":
            return
        posts = await measures.posts_per_second(rig, requests=RUNS // 4, connections=32)
        print(f"POST /v1/test-calls, 32 connections, pipeline behind: {posts:.0f} requests/s")
        for rate in (5, 100, 250, 500):
            two = await measures.latency(rig, per_second=rate, seconds=SECONDS, connections=LATENCY_CONNECTIONS)
            print(
                f"single runs, {two.offered_per_second:.0f}/s offered, {two.reached_per_second:.0f}/s reached: "
                f"POST to settled p50 {two.p50_ms:.0f} ms, p99 {two.p99_ms:.0f} ms; "
                f"POST alone p50 {two.post_p50_ms:.0f} ms, p99 {two.post_p99_ms:.0f} ms"
            )


if __name__ == "__main__":
    asyncio.run(_bench())
