"""A raw far end, and our user agent beside it."""

from collections.abc import AsyncIterator

import pytest

from services.caller.edges.sip.user_agent import UserAgent
from tests.support.sip_peer import SipPeer, a_peer, an_agent


@pytest.fixture
async def peer() -> AsyncIterator[SipPeer]:
    """A far end that says what the test wants."""
    async with a_peer() as peer:
        yield peer


@pytest.fixture
async def agent() -> AsyncIterator[UserAgent]:
    """Our user agent, with quick timers."""
    async with an_agent() as agent:
        yield agent
