"""What several tests of the caller's parties need."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from services.caller.edges.parties import openai_chat
from tests.unit.caller.endpoint import Endpoint, a_client, an_endpoint


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
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """The caller's client."""
    async with a_client() as http:
        yield http


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried again, so that nothing waits."""
    monkeypatch.setattr(openai_chat, "MAX_RETRIES", 0)
