"""Opens streams where agents are, as requests to agents' HTTP endpoints are sent: a name is looked up once, all its
addresses are checked, one of these is dialled, and no redirect is followed. TLS and the Host header keep the name."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, ProxyError
from websockets.uri import WebSocketURI

from services.caller.edges.endpoints.dialling import MAX_DIALLED_ADDRESSES, Guard
from services.caller.edges.endpoints.failures import NotCalled
from services.caller.edges.endpoints.pools import Network
from services.caller.edges.endpoints.trust import CLOSED, tls_reason
from services.caller.edges.streams.endpoint import checked_headers, read_url
from services.caller.edges.streams.failures import (
    HUNG_UP_UNHEARD,
    NO_ADDRESS,
    NO_STREAM,
    NOT_REACHED,
    NotOpened,
    late,
    rejected,
    untrusted,
)
from services.caller.edges.streams.metering import MeteredConnection
from services.caller.edges.streams.wire import CLOSE_LIMIT_SECONDS, Wire

USER_AGENT = "rehearsal/0.1"
CONNECT_LIMIT_SECONDS = 5.0
HANDSHAKE_LIMIT_SECONDS = 10.0
# Two minutes of sound in one message, in base64 and its envelope.
MAX_MESSAGE_BYTES = 1_536 * 1_024
MAX_QUEUED_MESSAGES = 64  # then nothing more is read until they are worked on
PING_EVERY_SECONDS = 10.0
PONG_LIMIT_SECONDS = 20.0
# Small, so that what an agent does not take is seen here and not kept by the kernel.
SEND_BUFFER_BYTES = 64 * 1_024

# The library would write what is said, and keys, wherever the process logs at DEBUG.
_silent = logging.getLogger("services.caller.edges.streams.library")
_silent.setLevel(logging.CRITICAL + 1)
_silent.propagate = False


class Streams:
    """Opens streams to agents."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def open(self, url: str, org_id: int, headers: Mapping[str, str]) -> Wire:
        """Open a stream. Raises NotOpened. Nothing listens on it yet."""
        there, sent = read_url(url), checked_headers(headers)
        scheme = "https" if there.secure else "http"
        guard = Guard(self._network.resolver, self._network.policy, org_id)
        proxy = self._network.proxies.leading_to(scheme, there.host)
        options: dict[str, Any] = {"proxy": proxy}
        if there.secure:
            options["ssl"] = self._network.trust
        try:
            if proxy is None:
                options["sock"] = await self._dial(there, guard)
            else:
                await guard.check_proxied(there.host)
                if proxy.startswith("https:"):
                    options["proxy_ssl"] = self._network.trust
        except NotCalled:
            raise NotOpened("not_allowed", NO_ADDRESS) from None
        return Wire(await _shake_hands(url, sent, options))

    async def _dial(self, there: WebSocketURI, guard: Guard) -> socket.socket:
        """Try the checked addresses one after the other. Raises NotCalled, NotOpened."""
        addresses = (await guard.addresses(there.host))[:MAX_DIALLED_ADDRESSES]
        ends_at = time.monotonic() + CONNECT_LIMIT_SECONDS
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share_seconds = max(0.1, (ends_at - time.monotonic()) / left)
            with suppress(OSError, TimeoutError):
                return await _connected(address, there.port, share_seconds)
        guard.resolver.forget(there.host, guard.org_id)
        raise NotOpened("unreachable", NOT_REACHED)


async def _connected(address: str, port: int, limit_seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    dialled = socket.socket(family, socket.SOCK_STREAM)
    try:
        dialled.setblocking(False)
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(limit_seconds):
            await asyncio.get_running_loop().sock_connect(dialled, (address, port))
    except BaseException:
        dialled.close()
        raise
    return dialled


class _Connect(connect):
    """The library's handshake, which follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return what the agent answered as it is."""
        return exc


async def _shake_hands(url: str, headers: dict[str, str], options: dict[str, Any]) -> MeteredConnection:
    try:
        connection = await _Connect(
            url.strip(),
            additional_headers=headers,
            user_agent_header=USER_AGENT,
            compression=None,  # a small message must not unpack into a large one
            open_timeout=HANDSHAKE_LIMIT_SECONDS,
            ping_interval=PING_EVERY_SECONDS,
            ping_timeout=PONG_LIMIT_SECONDS,
            close_timeout=CLOSE_LIMIT_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=MAX_QUEUED_MESSAGES,
            logger=_silent,
            create_connection=MeteredConnection,
            **options,
        )
    except InvalidStatus as error:
        raise rejected(error.response.status_code) from None
    except ProxyError:
        raise NotOpened("unreachable", NOT_REACHED) from None
    except InvalidMessage as error:
        if isinstance(error.__cause__, EOFError):
            raise NotOpened("hung_up", HUNG_UP_UNHEARD) from None
        raise NotOpened("broken", NO_STREAM) from None
    except InvalidHandshake:
        raise NotOpened("broken", NO_STREAM) from None
    except TimeoutError:
        raise late(HANDSHAKE_LIMIT_SECONDS) from None
    except ssl.SSLError as error:
        raise untrusted(tls_reason(error) or CLOSED) from None
    except OSError:
        if "ssl" in options and "sock" in options:  # it was reached: what ended is the agreeing on TLS
            raise untrusted(CLOSED) from None
        raise NotOpened("unreachable", NOT_REACHED) from None
    assert isinstance(connection, MeteredConnection)  # noqa: S101 - create_connection says so
    return connection
