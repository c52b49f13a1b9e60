"""`python -m deploy.bench.lists`: lists of an organisation with very many runs, beside many small organisations.

One API process and PostgreSQL, without Kafka. BENCH_ROWS (1000000) and BENCH_WALK_SECONDS (10) make it shorter.
"""

import asyncio
import hashlib
import json
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.bench.client import Connection
from deploy.bench.many_rows import FIRST, many_rows
from deploy.local import postgres
from deploy.local.children import dies_with_parent
from deploy.local.ports import free_port
from deploy.local.reachable import reachable_folder
from deploy.provision.database import SERVICES, database_url, provision_database, service_url
from shared.db.statement import compiled

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
SMALL_ORGS, SMALL_ROWS = 1_000, 20
OPEN_EVERY = 1_000  # one run waits and one is in progress among so many: ten times what the default limits allow
LARGE = 7  # the large organisation's id
SAMPLES = 300
WALK_SECONDS = float(os.environ.get("BENCH_WALK_SECONDS", "10"))
WALK_TO_THE_END_SECONDS = float(os.environ.get("BENCH_WALK_TO_THE_END_SECONDS", "180"))
LISTS_AT_ONCE = 40
BESIDE_SECONDS = 8.0
READY_SECONDS = 60.0
TRANSCRIPT = json.dumps(
    [
        {"role": role, "content_type": "text/plain", "content": "What are your hours? " * 5, "start_ms": 0, "end_ms": 9}
        for role in ("user", "assistant") * 5
    ]
)
AGENT = LARGE + 3
FILTERS = {
    "/v1/test-calls": (
        "", "status=queued", "status=in_progress", "status=completed", "status=failed", "target_type=agent",
        f"agent_id={AGENT}", f"agent_id={AGENT}&status=failed", "target_type=phone_number&status=completed",
        f"batch_id={LARGE * FIRST + 1}", "agent_id=1",
    ),
    "/v1/test-call-batches": ("", "status=completed", "target_type=agent", "target_type=agent&status=failed"),
    "/v1/calls": (
        "", f"agent_id={AGENT}", "direction=inbound", "status=in_progress", "status=failed", "from_number=%2B15553",
        "to_number=%2B17771", "from_number=%2B15553&to_number=%2B17771", "start_date=2026-01-01&end_date=2026-01-01",
        "start_date=2026-01-01T05:00:00Z&end_date=2026-01-01T05:30:00Z&status=failed", "from_number=%2B1",
    ),
    "/v1/billing/entries": ("", "kind=settle", f"run_id={LARGE * FIRST + 6}", "kind=adjustment"),
}  # fmt: skip


@dataclass(frozen=True)
class Served:
    """An API over a full database."""

    port: int
    large_key: str
    small_keys: Sequence[str]


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    """Start PostgreSQL, fill it, start the API; stop both at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-bench-")))
        password = secrets.token_hex(8)
        server = postgres.prepare(folder / "postgres", free_port(), password, stack.enter_context(reachable_folder()))
        stack.enter_context(postgres.running(server, folder / "postgres.log", {}))
        passwords = {service: secrets.token_hex(8) for service in SERVICES}
        await provision_database(server.url(password), "bench", passwords)
        keys = await _fill(database_url(server.url(password), "bench"))
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.api", cwd=Path(__file__).parents[2], preexec_fn=dies_with_parent,
            stderr=asyncio.subprocess.DEVNULL,  # it says again and again that there is no Kafka
            env={
                **os.environ, "LOG_LEVEL": "ERROR", "API_PORT": str(port), "OPS_PORT": str(free_port()),
                "DATABASE_URL": service_url(server.url(password), "bench", "api", passwords["api"]),
                "KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
            },
        )  # fmt: skip
        try:
            await _answers(port)
            yield Served(port, keys[0], keys[1:])
        finally:
            process.kill()
            await process.wait()


async def _fill(admin_url: str) -> list[str]:
    """Fill the API's tables; return a key of the large organisation, then those of the small ones."""
    began = time.monotonic()
    orgs = [LARGE, *range(LARGE * 10, LARGE * 10 + SMALL_ORGS)]
    keys = [f"sk_bench_{secrets.token_hex(8)}" for _ in orgs]
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "api"})
    async with connection.transaction():
        for nth, (org_id, key) in enumerate(zip(orgs, keys, strict=True)):
            await connection.execute("INSERT INTO orgs VALUES ($1, '', 20, 200, 3600)", org_id)
            await connection.execute(
                "INSERT INTO api_keys (org_id, key_id, kind, key_sha256, hint) VALUES ($1, $2, 'secret', $3, '')",
                org_id, org_id, hashlib.sha256(key.encode()).hexdigest(),
            )  # fmt: skip
            for statement, values in many_rows(org_id, SMALL_ROWS if nth else ROWS, TRANSCRIPT, open_every=OPEN_EVERY):
                one = compiled(statement)
                await connection.execute(one.sql, *one.arguments(values))
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    print(f"{ROWS} runs of one organisation, {SMALL_ROWS} of each of {SMALL_ORGS}: filled in "
          f"{time.monotonic() - began:.0f} s")  # fmt: skip
    return keys


async def _answers(port: int) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                connection = await Connection.open(port)
                await connection.fetch("/v1/healthz", "")
            except OSError:
                await asyncio.sleep(0.1)
            else:
                return


async def pages(served: Served, path: str, query: str, walk_seconds: float = WALK_SECONDS) -> str:
    """Walk a list by its links for so long; return what pages of 50 take at all the depths that were reached."""
    connection = await Connection.open(served.port)
    places, url, began, rows = [f"{path}?limit=50&{query}"], f"{path}?limit=200&{query}", time.monotonic(), 0
    while url and time.monotonic() - began < walk_seconds:
        status, head, body = await connection.fetch(url, served.large_key)
        if status != 200:
            return f"{status}"
        rows += body.count(b'"created_at":') + body.count(b'"start_time":')
        found = re.search(r'<([^>]*)>; rel="next"', head)
        url = found[1] if found else ""
        if url:
            places.append(url.replace("limit=200", "limit=50"))
    step = max(len(places) // SAMPLES, 1)
    chosen = places[::step]
    took = []
    for nth in range(SAMPLES):
        began = time.perf_counter()
        status, _, _ = await connection.fetch(chosen[nth % len(chosen)], served.large_key)
        took.append((time.perf_counter() - began) * 1_000)
        if status != 200:
            return f"{status}"
        if nth and sum(took) > WALK_SECONDS * 1_000:
            break
    took.sort()
    return f"p50 {took[len(took) // 2]:6.1f} ms, p99 {took[int(len(took) * 0.99)]:6.1f} ms, down to row {rows}"


async def key_look_ups(served: Served, until: float) -> list[float]:
    """Ask with keys that nobody knows, which are looked up each time."""
    connection, took = await Connection.open(served.port), []
    while time.monotonic() < until:
        began = time.perf_counter()
        await connection.fetch("/v1/billing", f"sk_{secrets.token_hex(8)}")
        took.append((time.perf_counter() - began) * 1_000)
        await asyncio.sleep(0.01)
    return sorted(took)


async def beside_lists(served: Served, lists: int) -> str:
    """Measure key look-ups and a small organisation's lists beside so many lists of the large one at once."""
    until = time.monotonic() + BESIDE_SECONDS
    urls = [f"{path}?limit=200&{query}" for path, queries in FILTERS.items() for query in queries]
    answered = 0

    async def large(nth: int) -> None:
        nonlocal answered
        connection = await Connection.open(served.port)
        while time.monotonic() < until:
            nth += 1
            await connection.fetch(urls[nth % len(urls)], served.large_key)
            answered += 1

    async def small() -> list[float]:
        connection, took, nth = await Connection.open(served.port), [], 0
        while time.monotonic() < until:
            nth += 1
            began = time.perf_counter()
            await connection.fetch("/v1/test-calls", served.small_keys[nth % SMALL_ORGS])
            took.append((time.perf_counter() - began) * 1_000)
            await asyncio.sleep(0.01)
        return sorted(took)

    loads = [asyncio.create_task(large(nth)) for nth in range(lists)]
    keys, reads = await asyncio.gather(key_look_ups(served, until), small())
    await asyncio.gather(*loads)
    return (
        f"beside {lists} lists at once ({answered} answered): key look-up p50 {keys[len(keys) // 2]:.1f} ms, "
        f"p99 {keys[int(len(keys) * 0.99)]:.1f} ms; a small organisation's list p50 {reads[len(reads) // 2]:.1f} ms, "
        f"p99 {reads[int(len(reads) * 0.99)]:.1f} ms"
    )


async def _bench() -> None:
    async with served() as api:
        print(f"to its end: {await pages(api, '/v1/test-calls', '', WALK_TO_THE_END_SECONDS)}", flush=True)
        for path, queries in FILTERS.items():
            for query in queries:
                print(f"{path}?{query}: {await pages(api, path, query)}", flush=True)
        for lists in (0, LISTS_AT_ONCE):
            print(await beside_lists(api, lists), flush=True)


if __name__ == "__main__":
    asyncio.run(_bench())
