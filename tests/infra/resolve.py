"""Where the tests' PostgreSQL and Kafka come from: given, containers, or local processes. Never skipped."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import kafka_broker, postgres
from deploy.local.ports import free_port
from deploy.local.reachable import reachable_folder
from tests.infra import containers


@dataclass(frozen=True)
class Infra:
    """What the tests run against. The database URL is a superuser's."""

    admin_database_url: str
    kafka_bootstrap: str
    description: str


@contextmanager
def start_infra() -> Iterator[Infra]:
    """Start what is not given; stop it at the end."""
    given_url, given_kafka = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_KAFKA_BOOTSTRAP")
    with ExitStack() as stack:
        if given_url and given_kafka:
            yield Infra(given_url, given_kafka, "given by TEST_DATABASE_URL and TEST_KAFKA_BOOTSTRAP")
            return
        use_containers, why = containers.usable()
        if use_containers:
            url = given_url or stack.enter_context(containers.postgres())
            kafka = given_kafka or stack.enter_context(containers.kafka())
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-tests-")))
            kafka = given_kafka or stack.enter_context(_local_kafka(folder))
            url = given_url or stack.enter_context(_local_postgres(folder))
        given = "".join(
            f"; {name} given" for name, value in (("PostgreSQL", given_url), ("Kafka", given_kafka)) if value
        )
        yield Infra(url, kafka, f"{'containers' if use_containers else 'local processes'} ({why}{given})")


@contextmanager
def _local_postgres(folder: Path) -> Iterator[str]:
    password = secrets.token_hex(8)
    with reachable_folder() as reachable:
        server = postgres.prepare(folder / "postgres", free_port(), password, reachable)
        with postgres.running(server, folder / "postgres.log", postgres.FOR_TESTS):
            yield server.url(password)


@contextmanager
def _local_kafka(folder: Path) -> Iterator[str]:
    broker = kafka_broker.Broker(kafka_broker.fetch_jars(), folder / "kafka", free_port(), free_port(), quick=True)
    with kafka_broker.running(broker, folder / "kafka.log"):
        yield f"127.0.0.1:{broker.port}"
