"""The system under measurement: PostgreSQL with durability on, Kafka, four services, on ports and data of its own."""

import asyncio
import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local import kafka_broker, postgres
from deploy.local.children import dies_with_parent
from deploy.local.ports import free_port
from deploy.local.reachable import reachable_folder
from deploy.local.settings import LOOPBACK
from deploy.provision.database import SERVICES, database_url, provision_database, service_url
from deploy.publish.platform import platform
from shared.events.connection import BuiltinConnection, Connection
from shared.events.directory import AgentUpserted, ApiKeyIssued, OrgUpserted
from shared.events.payments import FundsDeposited
from shared.messaging.cluster import create_topics

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
ORGS = 100
AGENTS_OF_ORG = 2
FUNDS_CENTS = 10**10
SLOTS, QUEUE = 2_000, 100_000
DATABASE = "bench"
HANGS_UP = BuiltinConnection(persona="hang-up")


@dataclass(frozen=True)
class BenchOrg:
    """An organisation with a key, an agent that hangs up at once, and one that may talk."""

    org_id: int
    agent_id: int
    talking_agent_id: int
    key: str


@dataclass(frozen=True)
class Rig:
    """What is measured."""

    api_port: int
    admin_url: str
    kafka: str
    orgs: list[BenchOrg]
    processes: dict[str, int]


@dataclass(frozen=True)
class Base:
    """PostgreSQL with all schemas, by the services' addresses of it, and Kafka with all topics."""

    kafka: str
    admin_url: str
    urls: dict[str, str]
    processes: dict[str, int]


async def start_base(stack: ExitStack, folder: Path) -> Base:
    """Start what services need; it stops with the stack."""
    reachable = stack.enter_context(reachable_folder())
    password = secrets.token_hex(8)
    broker = kafka_broker.Broker(kafka_broker.fetch_jars(), folder / "kafka", free_port(), free_port())
    processes = {"kafka": stack.enter_context(kafka_broker.running(broker, folder / "kafka.log"))}
    server = postgres.prepare(folder / "postgres", free_port(), password, reachable)
    processes["postgres"] = stack.enter_context(postgres.running(server, folder / "postgres.log", {}))
    passwords = {service: secrets.token_hex(8) for service in SERVICES}
    kafka = f"127.0.0.1:{broker.port}"
    await provision_database(server.url(password), DATABASE, passwords)
    await create_topics(kafka)
    urls = {service: service_url(server.url(password), DATABASE, service, passwords[service]) for service in SERVICES}
    return Base(kafka, database_url(server.url(password), DATABASE), urls, processes)


@asynccontextmanager
async def a_rig(talks: Connection = HANGS_UP, **caller_settings: str) -> AsyncIterator[Rig]:
    """Start everything, with the agents of each organisation; stop it at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-bench-")))
        base = await start_base(stack, folder)
        api_port = free_port()
        processes, ports = base.processes, {}
        for service in SERVICES:
            ports[service] = free_port()
            environment = {
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
                "DATABASE_URL": base.urls[service],
                "KAFKA_BOOTSTRAP": base.kafka,
                "OPS_PORT": str(ports[service]),
                "API_PORT": str(api_port),
                "CALLS_PER_PROCESS": "2000",
                "AGENT_ALLOWED_NETWORKS": LOOPBACK,
                **(caller_settings if service == "caller" else {}),
            }
            processes[service] = _start(stack, service, environment, folder / f"{service}.log")
        for service in SERVICES:
            await ready(ports[service])
        orgs = await _publish_orgs(base.kafka, talks)
        await _known(base.admin_url, len(orgs))
        yield Rig(api_port, base.admin_url, base.kafka, orgs, processes)


def _start(stack: ExitStack, service: str, environment: dict[str, str], log: Path) -> int:
    output = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(
        [sys.executable, "-m", f"services.{service}"], env=environment, cwd=ROOT, stdout=output, stderr=output,
        preexec_fn=dies_with_parent,
    )  # fmt: skip
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process.pid


async def ready(port: int) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/readyz", None, 2)
            except OSError:
                await asyncio.sleep(0.2)
            else:
                return


async def _publish_orgs(kafka: str, talks: Connection) -> list[BenchOrg]:
    orgs = [
        BenchOrg(number, number * 10, number * 10 + 1, f"sk_bench_{secrets.token_hex(8)}")
        for number in range(1, ORGS + 1)
    ]
    async with platform(kafka) as publisher:
        for org in orgs:
            digest = hashlib.sha256(org.key.encode()).hexdigest()
            await publisher.publish(
                [
                    OrgUpserted(org_id=org.org_id, name="bench", max_concurrent_runs=SLOTS, max_queued_runs=QUEUE),
                    ApiKeyIssued(org_id=org.org_id, key_id=org.org_id, kind="secret", key_sha256=digest),
                    AgentUpserted(org_id=org.org_id, agent_id=org.agent_id, name="bench", connection=HANGS_UP),
                    AgentUpserted(org_id=org.org_id, agent_id=org.talking_agent_id, name="talks", connection=talks),
                    FundsDeposited(org_id=org.org_id, deposit_id="bench", amount_cents=FUNDS_CENTS),
                ]
            )
    return orgs


async def _known(admin_url: str, orgs: int) -> None:
    connection = await asyncpg.connect(admin_url)
    question = "SELECT count(*) FROM api.funds JOIN api.agents USING (org_id) JOIN scheduler.orgs USING (org_id)"
    try:
        async with asyncio.timeout(READY_SECONDS):
            while await connection.fetchval(question) < orgs * AGENTS_OF_ORG:  # noqa: ASYNC110 - asks a database
                await asyncio.sleep(0.1)
    finally:
        await connection.close()
