"""PostgreSQL and Kafka through testcontainers, where a Docker engine answers and has or can pull the images."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local.ports import free_port

POSTGRES_IMAGE = "postgres:17"
KAFKA_IMAGE = "apache/kafka:4.3.1"
ENGINE_SECONDS = 5
START_SECONDS = 90


def usable() -> tuple[bool, str]:
    """Say whether containers can be used, and why (not). TEST_INFRA=local or =containers forces it."""
    forced = os.environ.get("TEST_INFRA", "")
    if forced == "local":
        return False, "TEST_INFRA=local"
    try:
        import docker  # type: ignore[import-untyped]

        client = docker.from_env(timeout=ENGINE_SECONDS)
        client.ping()
    except Exception as error:
        if forced == "containers":
            raise SystemExit(f"TEST_INFRA=containers, but no Docker engine answers: {error}") from None
        return False, "no Docker engine answers"
    for image in (POSTGRES_IMAGE, KAFKA_IMAGE):
        try:
            client.images.get(image)
        except Exception:
            try:
                client.images.pull(image)
            except Exception as error:
                if forced == "containers":
                    raise SystemExit(f"TEST_INFRA=containers, but {image} cannot be pulled: {error}") from None
                return False, f"the engine has no image {image} and cannot pull it"
    return True, f"Docker engine {client.version()['Version']}, {POSTGRES_IMAGE} and {KAFKA_IMAGE}"


@contextmanager
def postgres() -> Iterator[str]:
    """Run PostgreSQL; yield its superuser's URL."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES_IMAGE, driver=None).with_command(
        "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    )
    with container as running:
        yield str(running.get_connection_url())


@contextmanager
def kafka() -> Iterator[str]:
    """Run Kafka; yield its address. (testcontainers' own KafkaContainer wants another vendor's image layout.)"""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    host_port = free_port()  # chosen first, so that the advertised listener is right before the broker starts
    container = DockerContainer(KAFKA_IMAGE)
    container.ports["9092/tcp"] = ("127.0.0.1", host_port)  # type: ignore[assignment]
    for name, value in {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{host_port}",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
    }.items():
        container.with_env(f"KAFKA_{name}", value)
    with container as running:
        started = LogMessageWaitStrategy(r".*Kafka Server started.*").with_startup_timeout(START_SECONDS)
        started.wait_until_ready(running)
        yield f"127.0.0.1:{host_port}"
