"""The API's port in a process of its own, as a stranger finds it: behind it is an app that knows one key."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import psutil
import uvloop

from deploy.local.children import dies_with_parent
from services.api.domain.admission import TargetNotFound
from services.api.domain.asking import Answer, Asked
from services.api.edges.db.reads import SqlReads
from services.api.edges.http import guard
from services.api.edges.http.app import create_app
from services.api.edges.http.connections import Limits
from services.api.edges.http.server import ApiServer
from shared.db.database import Database
from shared.process.ops import Readiness
from shared.telemetry import logs
from tests.support.system import ROOT
from tests.support.waiting import eventually

KEY = "sk_known"
SECONDS = 40.0
SLOW_ID, SLOW_SECONDS = 2, 0.5
BODY = b'{"target_type": "agent", "target_id": 1, "direction": "outbound", "consent_to_charge": true}'


@dataclass
class Connection:
    """A client's connection, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send bytes; a peer that has hung up does not matter."""
        try:
            self.writer.write(b"".join(parts))
            await self.writer.drain()
        except ConnectionError:
            pass

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer."""
        async with asyncio.timeout(SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, body

    async def closed(self) -> bytes:
        """Wait until the other side hangs up; return what it said before."""
        async with asyncio.timeout(SECONDS):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def close(self) -> None:
        self.writer.close()


@dataclass
class FrontDoor:
    """A port to knock at."""

    port: int
    process: subprocess.Popen[bytes]

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Open a connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()

    async def healthy(self) -> bool:
        """Whether somebody who comes now is served."""
        try:
            async with httpx2.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}/v1/healthz", timeout=SECONDS)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200

    async def has_clients(self) -> bool:
        """Whether anybody is connected."""
        return any(one.status == "ESTABLISHED" for one in psutil.Process(self.process.pid).net_connections())

    async def is_left_alone(self) -> bool:
        """Whether nobody is."""
        return not await self.has_clients()

    def memory_bytes(self) -> int:
        """What its process holds."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def a_front_door(**limits: Any) -> Iterator[FrontDoor]:
    """Open the port, with other limits than usual."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.api.front_door", json.dumps(limits)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=dies_with_parent, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield FrontDoor(int(process.stdout.readline()), process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=SECONDS)


async def _refuse(asked: Asked) -> Answer:
    if asked.target_id == SLOW_ID:
        await asyncio.sleep(SLOW_SECONDS)
    return TargetNotFound("agent")


async def _org_of(key: str) -> int | None:
    return 1 if key == KEY else None


async def _serve(limits: dict[str, Any]) -> None:
    logs.configure(service="api", level="ERROR")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.pop("files", soft), hard))
    guard.BODY_SECONDS = limits.pop("body_seconds", guard.BODY_SECONDS)
    guard.BODY_IDLE_SECONDS = limits.pop("body_idle_seconds", guard.BODY_IDLE_SECONDS)
    app = create_app(
        submit=_refuse,
        reads=SqlReads(Database("postgresql://nobody@127.0.0.1:1/nothing", schema="api")),
        org_of=_org_of,
        readiness=lambda: Readiness(ready=True, parts={}),
    )
    server = ApiServer(app, "127.0.0.1", 0, Limits(**limits))
    serving = asyncio.create_task(server.run())

    async def is_open() -> bool:
        return server.ready()

    await eventually(is_open, within_seconds=SECONDS, what="the port is open")
    assert server._server is not None
    print(server._server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(_serve(json.loads(sys.argv[1])))
