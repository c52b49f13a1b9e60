"""TLS: whom the caller trusts, and that its failures are told from an endpoint that is not there."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.caller.edges.endpoints import trust
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.endpoints.trust import trusted
from tests.unit.caller.endpoint import Endpoint, a_server, asking, failure_of, saying, some_pools

CERTIFICATES = Path(__file__).parent / "certificates"
GREETING = bytes(saying("Hello.").body)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(GREETING), GREETING))
    await writer.drain()


def presenting(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / certificate)
    return context


@asynccontextmanager
async def trusting(ca_file: Path | None) -> AsyncIterator[HttpAsks]:
    async with asking(some_pools(trust=trusted(ca_file))) as asks:
        yield asks


@pytest.fixture
async def own() -> AsyncIterator[HttpAsks]:
    """What asks where the operator's own authority is trusted."""
    async with trusting(CERTIFICATES / "ca.pem") as asks:
        yield asks


async def test_the_operator_s_own_authority_is_trusted(endpoint: Endpoint, own: HttpAsks) -> None:
    async with a_server(greet, presenting("good.pem")) as url:
        assert (await endpoint.party(own, url=url).take_turn(())).text == "Hello."


async def test_so_is_that_of_the_usual_variable(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "ca.pem"))
    async with trusting(None) as asks, a_server(greet, presenting("good.pem")) as url:
        assert (await endpoint.party(asks, url=url).take_turn(())).text == "Hello."


@pytest.mark.parametrize(("certificate", "reason"), [("expired.pem", trust.EXPIRED), ("other.pem", trust.OTHER_NAME)])
async def test_a_certificate_that_is_not_accepted_is_told_with_its_fault(
    endpoint: Endpoint, own: HttpAsks, certificate: str, reason: str
) -> None:
    async with a_server(greet, presenting(certificate)) as url:
        assert await failure_of(endpoint, own, url=url) == f"The agent's endpoint could not be trusted: {reason}"


async def test_an_authority_that_nobody_knows_is_told(endpoint: Endpoint, asks: HttpAsks) -> None:
    async with a_server(greet, presenting("good.pem")) as url:
        sentence = await failure_of(endpoint, asks, url=url)
    assert sentence == f"The agent's endpoint could not be trusted: {trust.UNKNOWN_AUTHORITY}"


async def test_an_endpoint_without_tls_is_told(endpoint: Endpoint, asks: HttpAsks) -> None:
    sentence = await failure_of(endpoint, asks, url=endpoint.url.replace("http:", "https:"))
    assert sentence == f"The agent's endpoint could not be trusted: {trust.NO_TLS}"
    assert endpoint.asked == []


async def test_one_that_ends_the_connection_is_told(endpoint: Endpoint, asks: HttpAsks) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with a_server(close) as url:
        sentence = await failure_of(endpoint, asks, url=url.replace("http:", "https:"))
    assert sentence == f"The agent's endpoint could not be trusted: {trust.CLOSED}"


async def test_tls_that_suits_nobody_is_told(endpoint: Endpoint, asks: HttpAsks) -> None:
    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x15\x03\x01\x00\x02\x02\x46")  # fatal: protocol_version
        await writer.drain()

    async with a_server(alert) as url:
        sentence = await failure_of(endpoint, asks, url=url.replace("http:", "https:"))
    assert sentence == f"The agent's endpoint could not be trusted: {trust.UNAGREED}"


async def test_a_turn_that_is_given_up_meanwhile_leaves_no_connection(endpoint: Endpoint, asks: HttpAsks) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        begun.set()
        while await reader.read(1_000):
            pass
        ended.set()
        writer.close()

    async with a_server(say_nothing) as url:
        turn = asyncio.create_task(endpoint.party(asks, url=url.replace("http:", "https:")).take_turn(()))
        await begun.wait()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        await asyncio.wait_for(ended.wait(), 20)
