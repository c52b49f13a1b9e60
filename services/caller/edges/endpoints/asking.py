"""One request to an endpoint, sent once, and its whole answer with the time that the far end took."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpcore2

from services.caller.edges.endpoints.failures import (
    HungUp,
    NotReached,
    TooLong,
    TooSlow,
    Unspeakable,
)
from services.caller.edges.endpoints.pools import Pools

MAX_ANSWER_BYTES = 1024 * 1024
CONNECT_LIMIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have lower-case names. `took_seconds`: from the request being sent to the end of the answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_seconds: float = 0.0


class Asks(Protocol):
    """Sends a request to an endpoint."""

    async def post(
        self, url: httpcore2.URL, *, org_id: int | None, headers: Mapping[str, str], body: bytes, limit_seconds: float
    ) -> Answer:
        """Send it once; return the answer. Raises Unanswered."""


class HttpAsks:
    """Asks over HTTP. Nothing is sent twice and no redirect is followed.

    Only the far end's time counts: the clock starts when the request goes out. Looking the name up, waiting and
    connecting come before that, each with a limit of its own.
    """

    def __init__(self, pools: Pools, *, max_answer_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._pools = pools
        self._max_answer_bytes = max_answer_bytes

    async def post(
        self, url: httpcore2.URL, *, org_id: int | None, headers: Mapping[str, str], body: bytes, limit_seconds: float
    ) -> Answer:
        """Send a request once; return the answer. Raises Unanswered."""
        loop = asyncio.get_running_loop()
        deadline = asyncio.timeout(None)
        sent_at: float | None = None

        async def note(event: str, info: Mapping[str, Any]) -> None:
            nonlocal sent_at
            if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
                sent_at = loop.time()
                deadline.reschedule(sent_at + limit_seconds)

        patience = dict.fromkeys(("connect", "read", "write"), CONNECT_LIMIT_SECONDS)
        patience |= dict.fromkeys(("read", "write"), limit_seconds + 1)  # the deadline comes first
        try:
            async with deadline, self._pools.to(url, org_id) as connection:
                request = httpcore2.Request(
                    "POST",
                    url,
                    headers=[*headers.items(), ("Content-Length", str(len(body)))],
                    content=body,
                    extensions={"timeout": patience, "trace": note},
                )
                response = await connection.handle_async_request(request)
                try:
                    read = await _read(response, self._max_answer_bytes)
                finally:
                    await response.aclose()
                known = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                took_seconds = loop.time() - (sent_at or loop.time())
                return Answer(response.status, known, _unpacked(read, known, self._max_answer_bytes), took_seconds)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise TooSlow from None
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.ProxyError):
            raise NotReached from None
        except httpcore2.TimeoutException:
            raise (NotReached if sent_at is None else TooSlow) from None
        except httpcore2.NetworkError:
            raise (NotReached if sent_at is None else HungUp) from None
        except httpcore2.RemoteProtocolError as error:
            raise (HungUp if "disconnected" in str(error) or "peer closed" in str(error) else Unspeakable) from None
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol):
            raise Unspeakable from None


async def _read(response: httpcore2.Response, max_bytes: int) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_stream():
        read += chunk
        if len(read) > max_bytes:
            raise TooLong
    return bytes(read)


def _unpacked(body: bytes, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """Unpack what was packed although nobody asked for it, as some gateways do: never into more than is read."""
    packed = headers.get("content-encoding", "identity").strip().lower()
    if packed in ("identity", ""):
        return body
    if packed not in ("gzip", "x-gzip", "deflate"):
        raise Unspeakable
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, whichever it is
    try:
        unpacked = unpacker.decompress(body, max_bytes)
    except zlib.error:
        raise Unspeakable from None
    if unpacker.unconsumed_tail:
        raise TooLong
    return unpacked
