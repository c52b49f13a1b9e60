"""The whole system for a test: four services as processes, on a database and topics of the test's own."""

import asyncio
import hashlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from deploy.local.children import dies_with_parent
from deploy.local.ports import free_port
from deploy.local.settings import LOOPBACK
from deploy.publish.platform import Platform, platform
from shared.events.connection import BuiltinConnection, Connection
from shared.events.directory import AgentUpserted, ApiKeyIssued, OrgUpserted
from shared.events.event import Event
from shared.events.payments import FundsDeposited
from tests.support.databases import TestDatabase
from tests.support.waiting import eventually

SERVICES = ("api", "scheduler", "caller", "billing")
ROOT = Path(__file__).parents[2]
READY_SECONDS = 40.0
STOP_SECONDS = 25.0
_numbers = count(1)


@dataclass(frozen=True)
class Org:
    """An organisation of a test, with a key and an agent."""

    org_id: int
    agent_id: int
    key: str


@dataclass
class System:
    """Services under test. Instances are named `<service>` or `<service>-<n>`."""

    database: TestDatabase
    bootstrap: str
    topic_prefix: str
    logs: Path
    platform: Platform
    settings: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    client: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=20))

    def start(self, name: str, **settings: str) -> None:
        """Start an instance of a service."""
        service = name.split("-")[0]
        for port in (name, f"{name}-ops"):
            self.ports.setdefault(port, free_port())
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.database.url(service),
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "KAFKA_TOPIC_PREFIX": self.topic_prefix,
            "OPS_PORT": str(self.ports[f"{name}-ops"]),
            "API_PORT": str(self.ports[name]),
            "LOG_LEVEL": "INFO",
            "AGENT_ALLOWED_NETWORKS": LOOPBACK,
            **self.settings,
            **settings,
        }
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}"], cwd=ROOT, env=environment, stdout=log, stderr=log,
                preexec_fn=dies_with_parent,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """Kill an instance as the kernel would: no goodbye."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=STOP_SECONDS)

    def stop_all(self) -> None:
        """End every instance."""
        for process in self.processes.values():
            process.send_signal(signal.SIGKILL)
        for process in self.processes.values():
            process.wait(timeout=STOP_SECONDS)
        self.processes.clear()

    def running(self) -> list[str]:
        """Return the names of the instances that run."""
        return [name for name, process in self.processes.items() if process.poll() is None]

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.ports['api']}"

    def ops_url(self, name: str) -> str:
        """An instance's operators' address."""
        return f"http://127.0.0.1:{self.ports[f'{name}-ops']}"

    async def ready(self, *names: str) -> None:
        """Wait until instances are ready, every part of them."""
        for name in names or tuple(self.processes):

            async def parts_ready(name: str = name) -> bool:
                process = self.processes[name]
                assert process.poll() is None, f"{name} ended: {self.tail(name)}"
                try:
                    answer = await self.client.get(f"{self.ops_url(name)}/readyz")
                except httpx2.HTTPError:
                    return False
                return all(answer.json()["parts"].values())

            await eventually(parts_ready, within_seconds=READY_SECONDS, what=f"{name} is ready")

    def tail(self, name: str) -> str:
        """The end of an instance's log."""
        return (self.logs / f"{name}.log").read_text()[-3_000:]

    async def org(
        self,
        *,
        funds_cents: int = 50_000,
        agent: Connection | None = None,
        more: Sequence[Event] = (),
        **limits: int,
    ) -> Org:
        """Publish an organisation as the platform does, and wait until the API knows all of it."""
        number = 1_000 * next(_numbers)
        org = Org(number, number + 1, f"sk_test_{secrets.token_hex(8)}")
        events: list[Event] = [
            OrgUpserted(org_id=org.org_id, name=f"org {org.org_id}", **limits),
            ApiKeyIssued(
                org_id=org.org_id,
                key_id=number + 2,
                kind="secret",
                key_sha256=hashlib.sha256(org.key.encode()).hexdigest(),
            ),
            AgentUpserted(
                org_id=org.org_id, agent_id=org.agent_id, name="Ann", connection=agent or BuiltinConnection()
            ),
            *more,
        ]
        await self.platform.publish(events)
        if funds_cents:
            await self.platform.publish(
                [FundsDeposited(org_id=org.org_id, deposit_id=f"first-{number}", amount_cents=funds_cents)]
            )

        async def known() -> bool:
            answer = await self.get(org, "/v1/billing")
            if answer.status_code != 200 or answer.json()["balance_cents"] != funds_cents:
                return False
            agents = await self.rows("SELECT FROM api.agents WHERE org_id = $1", org.org_id)
            queued = await self.rows(
                "SELECT FROM scheduler.orgs WHERE org_id = $1 AND max_concurrent_runs = $2",
                org.org_id,
                limits.get("max_concurrent_runs", 20),
            )
            return bool(agents) and (bool(queued) or not limits)

        await eventually(known, within_seconds=20, what="the organisation is known")
        return org

    async def get(self, org: Org, path: str) -> httpx2.Response:
        """GET as an organisation."""
        return await self.client.get(self.url + path, headers={"Authorization": f"Bearer {org.key}"})

    async def post(self, org: Org, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
        """POST as an organisation."""
        return await self.client.post(
            self.url + path, json=body, headers={"Authorization": f"Bearer {org.key}", **headers}
        )

    async def rows(self, question: str, *values: object) -> list[Any]:
        """Ask the database, as its administrator."""
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            return list(await connection.fetch(question, *values))
        finally:
            await connection.close()

    async def execute(self, statements: str) -> None:
        """Do something to the database, as its administrator."""
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    async def all_ended(self, org: Org, *, runs: int, within_seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until an organisation's runs have ended and billing has answered for each; return them."""

        async def ended() -> list[dict[str, Any]]:
            try:
                found = (await self.get(org, "/v1/test-calls?limit=200")).json()
                funds = (await self.get(org, "/v1/billing")).json()
            except httpx2.HTTPError:
                return []  # the API itself is being started again
            over = [run for run in found if run["status"] in ("completed", "failed")]
            settled = funds["held_cents"] == 0 and funds["available_cents"] == funds["balance_cents"]
            return over if len(over) == len(found) == runs and settled else []

        return await eventually(ended, within_seconds=within_seconds, what=f"{runs} runs ended and settled")


def a_call(org: Org, **fields: Any) -> dict[str, Any]:
    """The body of a POST for a single run."""
    return {
        "target_type": "agent",
        "target_id": org.agent_id,
        "direction": "outbound",
        "scenario_prompt": "Ask for the opening hours on Sunday.",
        "consent_to_charge": True,
        **fields,
    }


def a_batch(org: Org, run_count: int, **fields: Any) -> dict[str, Any]:
    """The body of a POST for a batch."""
    return {**a_call(org), "run_count": run_count, **fields}


@asynccontextmanager
async def a_system(
    database: TestDatabase, bootstrap: str, topic_prefix: str, logs: Path, **settings: str
) -> AsyncIterator[System]:
    """Make a system; nothing runs yet."""
    async with platform(bootstrap, topic_prefix) as publisher:
        system = System(database, bootstrap, topic_prefix, logs, publisher, settings)
        try:
            yield system
        finally:
            await asyncio.to_thread(system.stop_all)
            await system.client.aclose()
