"""`python -m deploy.bench.calls`: many calls' sound in one process, each recorded and measured as it goes on.

BENCH_CALLS (100) and BENCH_SECONDS (60) make it smaller or longer. The far ends are in a process of their own and take
the kernel's times of arrival, so that what is told is what a far end sees. Then two sipps hold as
many calls for as long.
"""

import asyncio
import multiprocessing
import os
import resource
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import uvloop

from deploy.bench.far_calls import FarEnds, Seen
from deploy.bench.sipp_calls import sipp_calls
from deploy.local.missing import Missing
from services.caller.domain.media import FRAME_MS, FRAME_SAMPLES, Ticking
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.measuring import Measuring
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.recorder import Recorder, recording_thread
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import RtpPeer

HOST = "127.0.0.1"
OURS, THEIRS = (23_000, 23_999), (24_000, 24_999)
TOLD_LATE_MS = 1_000  # ticks are looked at from the second second on: everything is warm then


@dataclass(frozen=True)
class Figures:
    """What many calls cost, and what became of their packets, both ways."""

    calls: int
    seconds: float
    seen: Seen
    lost_here: int
    received_here: int
    skipped_ticks: int
    late_ms_p99: float
    cpu_share: float
    memory_mib: float

    def table(self) -> str:
        """Return the figures for people."""
        rows = (
            ("calls at once, in one process, recorded and measured", f"{self.calls} for {self.seconds:.0f} s"),
            ("frame interval at the far end, p50", f"{self.seen.interval_ms_p50:.1f} ms"),
            ("frame interval at the far end, p99", f"{self.seen.interval_ms_p99:.1f} ms"),
            ("frame interval at the far end, longest", f"{self.seen.interval_ms_max:.1f} ms"),
            ("packets to the far ends, lost", f"{self.seen.received}, {self.seen.lost}"),
            ("packets from the far ends, lost", f"{self.received_here}, {self.lost_here}"),
            ("ticks left out", f"{self.skipped_ticks}"),
            ("lateness of a tick, p99", f"{self.late_ms_p99:.1f} ms"),
            ("CPU of the process", f"{100 * self.cpu_share:.1f} % of a core"),
            ("CPU of a call", f"{100 * self.cpu_share / self.calls:.2f} % of a core"),
            ("memory of the process", f"{self.memory_mib:.0f} MiB"),
        )
        return "\n".join(f"  {name:<56}{value:>20}" for name, value in rows)


class _Call:
    """A call that says something all the time."""

    def __init__(self, leg: RtpLeg, recorder: Recorder, lines: list[bytes], begins_at: int) -> None:
        self.leg = leg
        self.recorder = recorder
        self._measuring = Measuring()
        self._lines = lines
        self._number = begins_at

    def tick(self, late_ms: float) -> None:
        said = self._lines[self._number % len(self._lines)]
        self._number += 1
        heard = self.leg.exchange(said)
        self.recorder.add(said, heard)
        self._measuring.add(said, heard)


class _Late:
    """Keeps how late ticks were."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    def tick(self, late_ms: float) -> None:
        self.ms.append(late_ms)


async def many_calls(calls: int, seconds: float, lines: list[bytes], folder: Path) -> Figures:
    """Hold so many calls for so long."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process
    far = process(target=FarEnds.run, args=(there, HOST, THEIRS, calls), daemon=True)
    far.start()
    try:
        return await _with_far_ends(here, calls, seconds, lines, folder)
    finally:
        here.close()
        await asyncio.to_thread(far.join, 10)
        far.kill()


async def _with_far_ends(here: Connection, calls: int, seconds: float, lines: list[bytes], folder: Path) -> Figures:
    theirs: list[int] = await asyncio.to_thread(here.recv)
    ports = Ports(HOST, *OURS, reuse_after_seconds=0.0)
    taken = [ports.take() for _ in theirs]
    clock, late = Clock(), _Late()
    running = asyncio.create_task(clock.keep_time())
    with recording_thread() as thread:
        held = [
            _Call(
                RtpLeg(port, RtpPeer((HOST, theirs_port)), skipped=clock.skipped),
                Recorder(folder / f"{port.port}.wav", thread),
                lines,
                number,
            )
            for number, (port, theirs_port) in enumerate(zip(taken, theirs, strict=True))
        ]
        here.send([port.port for port in taken])
        await asyncio.to_thread(here.recv)  # they tick
        cpu_before, began = time.process_time(), time.monotonic()
        everybody: tuple[Ticking, ...] = (late, *held)
        for ticking in everybody:
            clock.add(ticking)
        await asyncio.sleep(seconds)
        cpu_seconds, took = time.process_time() - cpu_before, time.monotonic() - began
        stats = [call.leg.stats() for call in held]
        for ticking in everybody:
            clock.remove(ticking)
        here.send(None)
        seen: Seen = await asyncio.to_thread(here.recv)
        memory = psutil.Process().memory_info().rss / 2**20
        for call in held:
            call.leg.close()
            await call.recorder.finish()
    running.cancel()
    warm = sorted(late.ms[TOLD_LATE_MS // FRAME_MS :])
    return Figures(
        calls, took, seen, sum(one.lost for one in stats), sum(one.received for one in stats), clock.skipped(),
        warm[int(0.99 * len(warm))] if warm else float("nan"), cpu_seconds / took, memory,
    )  # fmt: skip


def some_lines() -> list[bytes]:
    """Return frames of a sound that goes on and off, so that there is something to write and to measure."""
    import numpy as np

    samples = np.arange(200 * FRAME_SAMPLES)
    sound = 8_000 * np.sin(samples * 0.4) * (np.sin(samples / 16_000) > 0)
    content = sound.astype("<i2").tobytes()
    return [content[at : at + 2 * FRAME_SAMPLES] for at in range(0, len(content), 2 * FRAME_SAMPLES)]


def sipps_table(calls: int, seconds: float) -> str:
    """Return what sipp takes for the same calls, for people; or why that is not known."""
    try:
        sipps = sipp_calls(calls, seconds)
    except Missing as missing:
        return f"  sipp's own figure for these calls: {missing}"
    rows = (
        ("the same calls by sipp, which only sends: CPU", f"{100 * sipps.cpu_share:.1f} % of a core"),
        ("the same calls by sipp: memory", f"{sipps.memory_mib:.0f} MiB"),
    )
    return "\n".join(f"  {name:<56}{value:>20}" for name, value in rows)


def main() -> None:
    """Measure and print."""
    calls, seconds = int(os.environ.get("BENCH_CALLS", "100")), float(os.environ.get("BENCH_SECONDS", "60"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * calls + 256, _most_files()), _most_files()))
    with tempfile.TemporaryDirectory() as folder:
        figures = uvloop.run(many_calls(calls, seconds, some_lines(), Path(folder)))
    print(figures.table())
    print(sipps_table(calls, seconds))


def _most_files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


if __name__ == "__main__":
    main()
