"""What several tests of the caller's parties need."""

from collections.abc import AsyncIterator

import pytest

from services.caller.edges.endpoints.asking import HttpAsks
from tests.unit.caller.endpoint import Endpoint, an_endpoint, asking, some_pools


@pytest.fixture(scope="session")
async def served() -> AsyncIterator[Endpoint]:
    """The one chat endpoint of this session: to start and stop one for each test would take most of its time."""
    async with an_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(served: Endpoint) -> Endpoint:
    """A chat endpoint that has answered nobody yet."""
    served.forget()
    return served


@pytest.fixture
async def asks() -> AsyncIterator[HttpAsks]:
    """What the caller asks with, where loopback is allowed."""
    async with asking(some_pools()) as asks:
        yield asks
