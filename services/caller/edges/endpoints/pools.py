"""Connections to endpoints: a pool for each origin and organisation, so that nobody waits for anybody else's."""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore2

from services.caller.edges.endpoints.dialling import Guard, GuardedBackend
from services.caller.edges.endpoints.proxies import Proxies, proxy_at
from shared.network.addresses import AddressPolicy
from shared.network.resolving import Resolver

# Shorter than the servers' own (gunicorn 2 s, uvicorn and Node 5 s): what is sent on a connection that the far end
# closes at that moment may have been heard or not, so it can't be sent again, and the call would fail.
KEPT_OPEN_SECONDS = 1.5
POOL_IDLE_SECONDS = 5.0
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
    connections: httpcore2.AsyncConnectionPool
    guard: Guard
    proxied: bool
    used: int = 0
    last_used_at: float = 0.0


class Pools:
    """Each pool has room for all calls of the process: a request never waits for a connection of another's.

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
    async def to(self, url: httpcore2.URL, org_id: int | None) -> AsyncIterator[httpcore2.AsyncConnectionPool]:
        """Use the pool of an origin for one request. Raises NotCalled for one that a proxy must not be asked for."""
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
            yield pool.connections
        finally:
            pool.used -= 1
            pool.last_used_at = time.monotonic()

    async def close_idle_for_ever(self) -> None:
        """Now and then close what nobody uses."""
        while True:
            await asyncio.sleep(CLOSE_IDLE_EVERY_SECONDS)
            await self.close_idle()

    async def close_idle(self) -> None:
        """Close the pools that were idle for `POOL_IDLE_SECONDS`."""
        over = time.monotonic() - POOL_IDLE_SECONDS
        for origin, pool in list(self._pools.items()):
            if not pool.used and pool.last_used_at <= over:
                await self._close(origin)

    async def aclose(self) -> None:
        """Close everything."""
        for origin in list(self._pools):
            await self._close(origin)

    async def _close_surplus(self) -> None:
        surplus = len(self._pools) - self._calls_limit - SPARE_POOLS
        if surplus > 0:
            idle = [origin for origin, pool in self._pools.items() if not pool.used]  # longest unused first
            for origin in idle[:surplus]:
                await self._close(origin)

    async def _close(self, origin: Origin) -> None:
        await self._pools.pop(origin).connections.aclose()

    def _open(self, origin: Origin) -> _Pool:
        scheme, host, _, org_id = origin
        network = self._network
        own = org_id is None
        guard = Guard(network.resolver, None if own else network.policy, org_id)
        proxies = self._own_proxies if own else network.proxies
        proxy = proxies.leading_to(scheme.decode(), host.decode("ascii"))
        to_proxy = Guard(network.resolver, None, org_id)  # the operator named it
        return _Pool(
            httpcore2.AsyncConnectionPool(
                ssl_context=network.trust,
                proxy=proxy_at(proxy, network.trust) if proxy else None,
                max_connections=self._calls_limit,
                keepalive_expiry=KEPT_OPEN_SECONDS,
                http1=True,
                http2=False,  # a refused stream would be sent again
                retries=0,
                network_backend=GuardedBackend(to_proxy if proxy else guard),
            ),
            guard,
            proxy is not None,
        )
