"""What a measurement uses: CPU of every process, transactions, WAL."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import psutil

from deploy.bench.rig import Rig

# A backend tells the shared statistics at most once a second (PGSTAT_MIN_INTERVAL), and when it is idle for longer.
STATISTICS_SECONDS = 1.5


@dataclass(frozen=True)
class Usage:
    """CPU seconds of each process with its children (`load`: of this one), commits as PostgreSQL counts them, WAL."""

    cpu_seconds: dict[str, float]
    transactions: int
    wal_bytes: int

    @classmethod
    async def so_far(cls, rig: Rig) -> "Usage":
        """Return what has been used since the start."""
        cpu = {name: _cpu_seconds(pid) for name, pid in rig.processes.items()} | {"load": time.process_time()}
        await asyncio.sleep(STATISTICS_SECONDS)
        connection = await asyncpg.connect(rig.admin_url)
        row = await connection.fetchrow(
            "SELECT xact_commit, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS wal FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        await connection.close()
        return cls(cpu, row["xact_commit"], int(row["wal"]))

    async def until_now(self, rig: Rig) -> "Usage":
        """Return what was used since `self`."""
        now = await Usage.so_far(rig)
        cpu = {name: seconds - self.cpu_seconds[name] for name, seconds in now.cpu_seconds.items()}
        return Usage(cpu, now.transactions - self.transactions, now.wal_bytes - self.wal_bytes)


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its children, those that have ended included."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    used = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            of_child = child.cpu_times()
            used += of_child.user + of_child.system
    return float(used)
