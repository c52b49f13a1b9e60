"""Connects where a name leads, after every address of it was checked: what is dialled is what was checked."""

import asyncio
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import anyio
import httpcore2

from services.caller.edges.endpoints.failures import Distrusted, NotCalled
from services.caller.edges.endpoints.trust import CLOSED, tls_reason
from shared.network.addresses import AddressPolicy, admits_all
from shared.network.resolving import NameUnknown, Resolver

MAX_DIALLED_ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class Guard:
    """Turns a name into addresses that may be called. `policy` is None for the operator's own endpoint."""

    resolver: Resolver
    policy: AddressPolicy | None
    org_id: int | None

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Look a name up. Raises NotCalled, the same for an unknown name as for one that leads inside."""
        try:
            found = await self.resolver.addresses(host, self.org_id)
        except NameUnknown:
            raise NotCalled from None
        if self.policy is not None and not admits_all(self.policy, found):
            raise NotCalled
        return found

    async def check_proxied(self, host: str) -> None:
        """Refuse a name that leads inside as far as can be seen here; an unknown one is the proxy's."""
        try:
            found = await self.resolver.addresses(host, self.org_id)
        except NameUnknown:
            return
        if self.policy is not None and not admits_all(self.policy, found):
            raise NotCalled


class GuardedBackend(httpcore2.AnyIOBackend):
    """Dials checked addresses. The name stays what TLS and the Host header say: httpcore2 never learns the address."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Try the addresses one after the other, within `timeout` in all. Raises NotCalled, httpcore2's errors."""
        addresses = (await self._guard.addresses(host))[:MAX_DIALLED_ADDRESSES]
        ends_at = None if timeout is None else time.monotonic() + timeout
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = None if ends_at is None else max(0.1, (ends_at - time.monotonic()) / left)
            try:
                stream = await super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if left == 1:
                    self._guard.resolver.forget(host, self._guard.org_id)
                    raise
            else:
                return _Stream(stream)
        raise NotCalled  # no address at all


class _Stream(httpcore2.AsyncNetworkStream):
    """A connection whose failures of TLS are told from those to connect."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive. Raises httpcore2's errors: TLS's own are none of them."""
        try:
            return await self._stream.read(max_bytes, timeout)
        except ssl.SSLError:
            raise httpcore2.ReadError from None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send. Raises httpcore2's errors."""
        try:
            await self._stream.write(buffer, timeout)
        except ssl.SSLError:
            raise httpcore2.WriteError from None

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Begin TLS. Raises Distrusted, ConnectTimeout."""
        try:
            return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except httpcore2.ConnectError as error:
            cause = error.args[0] if error.args else None
            ended = isinstance(cause, (anyio.EndOfStream, anyio.BrokenResourceError))
            raise Distrusted(CLOSED if ended else tls_reason(cause) or CLOSED) from None
        except asyncio.CancelledError:  # httpcore2 closes after errors alone
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        """Return what is known about the connection."""
        return self._stream.get_extra_info(info)
