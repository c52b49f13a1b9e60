"""Where the tests' PostgreSQL and Kafka come from: given, then containers, then local processes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.infra import containers, resolve


@contextmanager
def yielding(value: str) -> Iterator[str]:
    yield value


@pytest.fixture(autouse=True)
def nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEST_DATABASE_URL", "TEST_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(resolve, "_local_postgres", lambda folder: yielding("local postgres"))
    monkeypatch.setattr(resolve, "_local_kafka", lambda folder: yielding("local kafka"))
    monkeypatch.setattr(containers, "postgres", lambda: yielding("container postgres"))
    monkeypatch.setattr(containers, "kafka", lambda: yielding("container kafka"))


def what_is_used(monkeypatch: pytest.MonkeyPatch, *, engine: bool) -> tuple[str, str, str]:
    monkeypatch.setattr(containers, "usable", lambda *_, **__: (engine, "as the test says"))
    with resolve.start_infra() as infra:
        return infra.admin_database_url, infra.kafka_bootstrap, infra.description


def test_what_is_given_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "given postgres")
    monkeypatch.setenv("TEST_KAFKA_BOOTSTRAP", "given kafka")
    used = what_is_used(monkeypatch, engine=True)
    assert used[:2] == ("given postgres", "given kafka")
    assert "TEST_DATABASE_URL" in used[2]


def test_then_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    used = what_is_used(monkeypatch, engine=True)
    assert used[:2] == ("container postgres", "container kafka")
    assert used[2].startswith("containers")


def test_then_local_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    used = what_is_used(monkeypatch, engine=False)
    assert used[:2] == ("local postgres", "local kafka")
    assert used[2].startswith("local processes")


def test_one_of_them_may_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KAFKA_BOOTSTRAP", "given kafka")
    used = what_is_used(monkeypatch, engine=False)
    assert used[:2] == ("local postgres", "given kafka")
    assert "Kafka given" in used[2]
