"""The session's infrastructure, started at its first use: unit tests alone start nothing."""

from collections.abc import Iterator

import pytest

from tests.infra.resolve import Infra, start_infra

USED = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def infra(pytestconfig: pytest.Config) -> Iterator[Infra]:
    """PostgreSQL and Kafka, real ones."""
    with start_infra() as infra:
        pytestconfig.stash[USED] = infra.description
        yield infra


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what the tests ran against."""
    terminalreporter.write_line(f"infrastructure: {config.stash.get(USED, 'none was needed')}")
