"""Connections to endpoints: a pool for each origin and organisation, so that nobody waits for anybody else's."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore2

from services.caller.edges.endpoints.connections import Connection, Connections
from services.caller.edges.endpoints.dialling import Guard, GuardedBackend
from services.caller.edges.endpoints.proxies import Proxies, proxy_at
from shared.network.addresses import AddressPolicy
from shared.network.resolving import Resolver

# Shorter than the servers' own (gunicorn 2 s, uvicorn and Node 5 s): what is sent on a connection that the far end
# closes at that moment may have been heard or not, so it can't be sent again, and the call would fail.
KEPT_OPEN_SECONDS = 1.5
CLOSE_IDLE_EVERY_SECONDS = 1.0
SPARE_POOLS = 100  # idle ones, beside one for each call that may be up

Origin = tuple[bytes, bytes, int, int | None]  # scheme, host, port, organisation


@dataclass(frozen=True, slots=True)
class Network:
    """How this deployment reaches endpoints."""

    policy: AddressPolicy
    proxies: Proxies
    trust: ssl.SSLContext
    resolver: Resolver = field(default_factory=Resolver)


@dataclass(slots=True)
class _Pool:
    connections: Connections
    guard: Guard
    proxied: bool
    used: int = 0


class Pools:
    """No pool has a limit of its own: a request never waits for a connection of another's.

    `policy` and `proxies` count for organisations; the operator's own endpoint (no organisation) is called wherever
    it is, by the environment's proxies alone.
    """

    def __init__(self, network: Network, *, calls_limit: int) -> None:
        self._network = network
        self._own_proxies = Proxies.from_environment()
        self._calls_limit = calls_limit
        self._pools: OrderedDict[Origin, _Pool] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pools)

    @asynccontextmanager
    async def to(self, url: httpcore2.URL, org_id: int | None) -> AsyncIterator[Connection]:
        """Use a connection for one request. Raises NotCalled for an origin that a proxy must not be asked for."""
        origin = (url.origin.scheme, url.origin.host, url.origin.port, org_id)
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = self._open(origin)
        self._pools.move_to_end(origin)
        pool.used += 1
        try:
            await self._close_surplus()
            if pool.proxied:
                await pool.guard.check_proxied(url.host.decode("ascii"))
            async with pool.connections.one(url.origin) as connection:
                yield connection
        finally:
            pool.used -= 1

    async def close_idle_for_ever(self) -> None:
        """Now and then close what nobody uses."""
        while True:
            await asyncio.sleep(CLOSE_IDLE_EVERY_SECONDS)
            await self.close_idle()

    async def close_idle(self) -> None:
        """Close connections that nobody used for a while, and forget pools that have none."""
        for pool in list(self._pools.values()):
            await pool.connections.close_expired()
        for origin in [origin for origin, pool in self._pools.items() if not pool.used and not pool.connections.idle]:
            del self._pools[origin]

    async def aclose(self) -> None:
        """Close everything."""
        await self._close(list(self._pools))

    async def _close_surplus(self) -> None:
        surplus = len(self._pools) - self._calls_limit - SPARE_POOLS
        if surplus > 0:
            idle = [origin for origin, pool in self._pools.items() if not pool.used]  # longest unused first
            await self._close(idle[:surplus])

    async def _close(self, origins: Iterable[Origin]) -> None:
        for pool in [self._pools.pop(origin) for origin in origins]:  # forgotten before anybody else has a turn
            await pool.connections.close_idle()

    def _open(self, origin: Origin) -> _Pool:
        scheme, host, _, org_id = origin
        network = self._network
        own = org_id is None
        guard = Guard(network.resolver, None if own else network.policy, org_id)
        proxies = self._own_proxies if own else network.proxies
        proxy = proxies.leading_to(scheme.decode(), host.decode("ascii"))
        to_proxy = Guard(network.resolver, None, org_id)  # the operator named it
        return _Pool(
            Connections(
                httpcore2.AsyncConnectionPool(
                    ssl_context=network.trust,
                    proxy=proxy_at(proxy, network.trust) if proxy else None,
                    keepalive_expiry=KEPT_OPEN_SECONDS,
                    http1=True,
                    http2=False,  # a refused stream would be sent again
                    retries=0,
                    network_backend=GuardedBackend(to_proxy if proxy else guard),
                )
            ),
            guard,
            proxy is not None,
        )
