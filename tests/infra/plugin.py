"""PROVISIONAL (replaced by the infra engineer)."""

from collections.abc import Iterator

import pytest

from tests.infra.resolve import Infra, start_infra


@pytest.fixture(scope="session")
def infra() -> Iterator[Infra]:
    with start_infra() as infra:
        yield infra
