"""PostgreSQL and Kafka through testcontainers, where a Docker engine answers and has or can pull the images.

The engine has to be on this machine: ports are bound to 127.0.0.1 alone. What a killed run leaves, the next one removes
(testcontainers' own way, a third container that watches, would need a third image). To remove it without a next run:
`python -m tests.infra.containers`.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil

from deploy.local import kafka_broker
from deploy.local.log_end import TAIL_CHARS
from deploy.local.ports import free_port
from deploy.local.postgres import FOR_TESTS, TUNING

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

POSTGRES_IMAGE = "postgres:17"
KAFKA_IMAGE = f"apache/kafka:{kafka_broker.VERSION}"
ENGINE_SECONDS = 5
START_SECONDS = 90
POLL_SECONDS = 0.25
OWNER_LABEL = "rehearsal.tests"  # the process that a container belongs to, as host:pid
STAND_IN_LABEL = "rehearsal.stand-in"  # set by deploy/containers/images.sh
POSTGRES_PORT, KAFKA_PORT = "5432/tcp", "9092/tcp"


def usable() -> tuple[bool, str]:
    """Say whether containers can be used, and why (not). TEST_INFRA=local or =containers forces it."""
    forced = os.environ.get("TEST_INFRA", "")
    if forced == "local":
        return False, "TEST_INFRA=local"
    try:
        client = _engine()
    except Exception as error:
        if forced == "containers":
            raise SystemExit(f"TEST_INFRA=containers, but no Docker engine answers: {error}") from None
        return False, "no Docker engine answers"
    images = []
    for image in (POSTGRES_IMAGE, KAFKA_IMAGE):
        try:
            images.append(_described(image, _have(client, image)))
        except Exception as error:
            if forced == "containers":
                raise SystemExit(f"TEST_INFRA=containers, but {image} cannot be pulled: {error}") from None
            return False, f"the engine has no image {image} and cannot pull it"
    remove_what_killed_runs_left(client)
    return True, f"Docker engine {client.version()['Version']}, {' and '.join(images)}"


def _engine() -> Any:
    import docker  # type: ignore[import-untyped]

    client = docker.from_env(timeout=ENGINE_SECONDS)
    client.ping()
    return client


def _have(client: Any, image: str) -> Any:
    import docker.errors  # type: ignore[import-untyped]

    try:
        return client.images.get(image)
    except docker.errors.ImageNotFound:
        return client.images.pull(image)


def _described(name: str, image: Any) -> str:
    return f"{name} (a stand-in)" if image.labels.get(STAND_IN_LABEL) else name


def remove_what_killed_runs_left(client: Any) -> int:
    """Remove the containers, with their volumes, whose process on this machine is gone; return how many."""
    import docker.errors

    removed = 0
    for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
        host, _, pid = container.labels[OWNER_LABEL].rpartition(":")
        if host == socket.gethostname() and not psutil.pid_exists(int(pid)):
            try:
                container.remove(force=True, v=True)
            except docker.errors.NotFound:
                continue  # another run was quicker
            removed += 1
    return removed


@contextmanager
def postgres() -> Iterator[str]:
    """Run PostgreSQL; yield its superuser's URL."""
    _configure_testcontainers()
    from testcontainers.community.postgres import PostgresContainer

    options = {**TUNING, **FOR_TESTS}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    container = PostgresContainer(POSTGRES_IMAGE, driver=None).with_command(["postgres", *settings])
    container.ports = {POSTGRES_PORT: ("127.0.0.1",)}  # type: ignore[dict-item]
    with _running(container):
        yield str(container.get_connection_url(host="127.0.0.1"))


@contextmanager
def kafka() -> Iterator[str]:
    """Run Kafka; yield its address. (testcontainers' own KafkaContainer wants another vendor's image layout.)"""
    _configure_testcontainers()
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    host_port = free_port()  # chosen first, so that the advertised listener is right before the broker starts
    container = DockerContainer(KAFKA_IMAGE).waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    container.ports = {KAFKA_PORT: ("127.0.0.1", host_port)}  # type: ignore[dict-item]
    for name, value in {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093,INTERNAL://:9094",
        # The broker asks itself about transactions, by the address that it advertises to brokers: not the host's port.
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{host_port},INTERNAL://localhost:9094",
        "INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
    }.items():
        container.with_env(f"KAFKA_{name}", value)
    with _running(container):
        yield f"127.0.0.1:{host_port}"


def _configure_testcontainers() -> None:
    from testcontainers.core.config import testcontainers_config

    testcontainers_config.ryuk_disabled = True
    testcontainers_config.sleep_time = POLL_SECONDS
    testcontainers_config.max_tries = round(START_SECONDS / POLL_SECONDS)


@contextmanager
def _running(container: "DockerContainer") -> Iterator[None]:
    """Run a container for a while. One that does not get ready shows the end of its log."""
    container.with_kwargs(labels={OWNER_LABEL: f"{socket.gethostname()}:{os.getpid()}"})
    try:
        try:
            container.start()
        except Exception as error:
            message = f"{container.image} did not start within {START_SECONDS} s: {str(error)[:TAIL_CHARS]}"
            raise SystemExit(f"{message}\n{_end_of_log(container)}") from error
        yield
    finally:
        container.stop()


def _end_of_log(container: "DockerContainer") -> str:
    try:
        said = b"".join(container.get_logs()).decode(errors="replace").strip()
    except Exception as error:
        return f"Its log cannot be read: {error}"
    return f"The end of its log:\n{said[-TAIL_CHARS:]}"


if __name__ == "__main__":
    if removed := remove_what_killed_runs_left(_engine()):
        print(f"containers removed that a killed run had left: {removed}")
