"""Calls over streams on this machine."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.caller.domain.media import FRAME_SAMPLES, SILENCE
from services.caller.edges.endpoints.pools import Network
from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.streams.endpoint import StreamEndpoint
from services.caller.edges.streams.reaching import Streams
from services.caller.edges.streams.sound import MULAW
from services.caller.edges.streams.twilio import TwilioLeg
from shared.network.addresses import AddressPolicy, read_networks
from shared.network.resolving import Resolver
from tests.unit.caller.endpoint import LOOPBACK, TRUST

ORG = 7
CALL = 4_711
FRAME = bytes(range(FRAME_SAMPLES))  # µ-law that sounds like nothing, and can be told from all else


def some_streams(
    allowed: str = LOOPBACK, *, resolver: Resolver | None = None, proxy: str = "", trust: ssl.SSLContext = TRUST
) -> Streams:
    """Streams as the caller's composition root makes them."""
    proxies = Proxies({"all": proxy} if proxy else {})
    return Streams(Network(AddressPolicy(read_networks(allowed)), proxies, trust, resolver or Resolver()))


@asynccontextmanager
async def a_call(url: str, streams: Streams | None = None, **endpoint: dict[str, str]) -> AsyncIterator[TwilioLeg]:
    """Call an agent, and hang up at the end."""
    leg = await TwilioLeg.open(StreamEndpoint(url, ORG, **endpoint), streams or some_streams(), CALL)
    try:
        yield leg
    finally:
        await leg.hang_up()


def tick(leg: TwilioLeg, frames: int = 1) -> bytes:
    """Exchange silence for a while; what came, in µ-law."""
    return b"".join(MULAW.encode(leg.exchange(SILENCE)) for _ in range(frames))


def tasks_of_streams() -> list[str]:
    """The tasks that calls have left behind."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "stream of an agent"]
