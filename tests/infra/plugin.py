"""The session's infrastructure, started at its first use: unit tests alone start nothing.

Each process of a session that runs in several (`-n`) has its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.resolve import Infra, start_infra
from tests.support.speech_server import a_speech_server

USED = pytest.StashKey[set[str]]()
OF_WORKER = "infrastructure"


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is used yet."""
    config.stash[USED] = set()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """One of the session's other processes has ended: hear what it ran against."""
    if (used := getattr(node, "workeroutput", {}).get(OF_WORKER)) is not None:
        node.config.stash[USED].add(used)


@pytest.fixture(scope="session")
def infra(pytestconfig: pytest.Config) -> Iterator[Infra]:
    """PostgreSQL and Kafka, real ones."""
    with start_infra() as infra:
        pytestconfig.stash[USED].add(infra.description)
        if hasattr(pytestconfig, "workeroutput"):
            pytestconfig.workeroutput[OF_WORKER] = infra.description
        yield infra


@pytest.fixture(scope="session")
def speech_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The local speech server's base_url; it is started once, for the first test that speaks."""
    with a_speech_server(tmp_path_factory.mktemp("speech") / "speech.log") as base_url:
        yield base_url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what the tests ran against."""
    used: set[str] = config.stash[USED]
    terminalreporter.write_line(f"infrastructure: {'; '.join(sorted(used)) or 'none was needed'}")
