"""`python -m deploy.bench.spoken_calls`: whole calls with sound in a caller as it runs: both ends, packets, recordings.

SIP loopback, so that each call is two ends; beside it the consumer, leases and PostgreSQL. Speech is canned, and minds
talk for ever. BENCH_CALLS (20,50,100) and BENCH_SECONDS (60) make it smaller or longer; BENCH_REALTIME=1 gives the
caller real-time priority, where others use the machine as well.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.bench.rig import ROOT, Base, ready, start_base
from deploy.bench.spoken_caller import WARM_SECONDS, Seen
from deploy.local.children import dies_with_parent
from deploy.local.ports import free_port
from deploy.local.settings import LOOPBACK
from deploy.publish.platform import platform
from services.caller.domain.limits import SOUND_CALL_WEIGHT
from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection
from shared.events.requests import Target

MINUTES = 10
ALL_UP_SECONDS = 120.0
MEDIA_PORTS = "25000-26999"
TOLD = b'{"calls":'  # what the caller logs is JSON as well


def table(seen: Seen, load: float) -> str:
    """Return the figures for people."""
    rows = (
        ("calls at once, both ends of each here, recorded", f"{seen.calls} for {seen.seconds:.0f} s"),
        ("load of the machine before", f"{load:.1f}"),
        ("frame interval of an end, p50", f"{seen.interval_ms_p50:.1f} ms"),
        ("frame interval of an end, p99", f"{seen.interval_ms_p99:.1f} ms"),
        ("frame interval of an end, longest", f"{seen.interval_ms_max:.1f} ms"),
        ("lateness of a tick, p99", f"{seen.late_ms_p99:.1f} ms"),
        ("ticks left out", f"{seen.skipped_ticks}"),
        ("packets received, lost", f"{seen.received}, {seen.lost}"),
        ("lines that were said", f"{seen.turns}"),
        ("CPU of the process", f"{100 * seen.cpu_share:.0f} % of a core"),
        ("CPU of a call, both ends", f"{100 * seen.cpu_share / seen.calls:.2f} % of a core"),
        ("memory of the process", f"{seen.memory_mib:.0f} MiB"),
    )
    return "\n".join(f"  {name:<50}{value:>20}" for name, value in rows)


async def spoken_calls(base: Base, calls: int, seconds: float, folder: Path, first_run: int) -> Seen:
    """Hold so many calls for so long in a process of its own."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        "DATABASE_URL": base.urls["caller"],
        "KAFKA_BOOTSTRAP": base.kafka,
        "OPS_PORT": str(port),
        "CALLS_PER_PROCESS": str(calls * SOUND_CALL_WEIGHT),
        "AGENT_ALLOWED_NETWORKS": LOOPBACK,
        "MEDIA_PORTS": MEDIA_PORTS,
        "SPEECH_BASE_URL": "http://127.0.0.1:9/v1",
        "RECORDINGS_FOLDER": str(folder / f"recordings-{calls}"),
    }
    process = _caller(calls, seconds, environment, folder / "caller.log")
    try:
        await ready(port)
        async with platform(base.kafka) as publisher:
            await publisher.publish([_dispatched(run_id) for run_id in range(first_run, first_run + calls)])
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        async with asyncio.timeout(ALL_UP_SECONDS + WARM_SECONDS + seconds):
            while not (line := await asyncio.to_thread(process.stdout.readline)).startswith(TOLD):
                if not line:
                    raise RuntimeError("the caller ended")
        return Seen(**json.loads(line))
    finally:
        process.kill()
        process.wait()


def _caller(calls: int, seconds: float, environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "deploy.bench.spoken_caller", str(calls), str(seconds)]
    with log.open("ab") as out:
        return subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=out, preexec_fn=dies_with_parent
        )


def _dispatched(run_id: int) -> TestCallDispatched:
    target = Target(
        target_type="agent", target_id=1, agent_id=1, agent_name="Ann", agent_number="+15555550100",
        bot_number="+15555550101", product="default", voice="", connection=BuiltinConnection(),
    )  # fmt: skip
    return TestCallDispatched(
        run_id=run_id,
        org_id=run_id,
        request_id=run_id,
        batch_id=None,
        prompt="Ask for the opening hours.",
        direction="outbound",
        mode="sip",
        recording=True,
        target=target,
        held_minutes=MINUTES,
        start_before=datetime.now(UTC) + timedelta(minutes=MINUTES),
    )


async def main() -> None:
    """Measure and print."""
    sizes = [int(one) for one in os.environ.get("BENCH_CALLS", "20,50,100").split(",")]
    seconds = float(os.environ.get("BENCH_SECONDS", "60"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-bench-")))
        base = await start_base(stack, folder)
        first_run = 1
        for calls in sizes:
            load = os.getloadavg()[0]
            seen = await spoken_calls(base, calls, seconds, folder, first_run)
            first_run += calls
            print(table(seen, load), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
