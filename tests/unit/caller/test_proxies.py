"""Proxies, as operators write them: which one leads where, and what is checked when one does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.endpoints.trust import trusted
from shared.network.resolving import Resolver
from tests.unit.caller.endpoint import Endpoint, a_server, asking, failure_of, saying, some_pools
from tests.unit.caller.test_tls import CERTIFICATES, greet, presenting

OTHERS = ("all_proxy", "http_proxy", "https_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without proxies."""
    for name in OTHERS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_usual_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:3128")
    monkeypatch.setenv("http_proxy", "plain:3128")
    proxies = Proxies.from_environment()
    assert proxies.leading_to("https", "agent.test") == "http://secure:3128"
    assert proxies.leading_to("http", "agent.test") == "http://plain:3128"


def test_one_for_all_schemes_stands_in_where_no_other_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all:3128")
    assert Proxies.from_environment().leading_to("https", "agent.test") == "http://all:3128"
    assert Proxies.from_environment("http://agents:3128").leading_to("http", "agent.test") == "http://agents:3128"


@pytest.mark.parametrize(
    ("listed", "host", "direct"),
    [
        ("", "agent.test", False),
        ("*", "agent.test", True),
        ("agent.test", "agent.test", True),
        ("Agent.Test", "agent.test", True),
        ("agent.test", "eu.agent.test", True),
        (".agent.test", "eu.agent.test", True),
        ("*.agent.test", "eu.agent.test", True),
        ("agent.test", "notagent.test", False),
        ("other.test, agent.test", "agent.test", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("", "localhost", True),
        ("", "127.0.0.1", True),
        ("", "::1", True),
    ],
)
def test_what_is_listed_and_this_machine_are_reached_without(
    monkeypatch: pytest.MonkeyPatch, listed: str, host: str, direct: bool
) -> None:
    monkeypatch.setenv("NO_PROXY", listed)
    assert (Proxies.from_environment("http://proxy:1").leading_to("http", host) is None) is direct


@pytest.mark.parametrize("url", ["socks5://proxy:1080", "http://", "http://proxy:port", "ftp://proxy"])
def test_what_is_no_proxy_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|[Pp]ort"):
        Proxies.from_environment(url)


@asynccontextmanager
async def a_proxy(
    answers: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that leads every tunnel to the port in its request, and answers everything else itself; what it heard."""
    heard: list[str] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heard.append(head)
        method, target, _ = head.split("\r\n")[0].split()
        if method != "CONNECT":
            greeting = bytes(saying("Hello from the proxy.").body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(greeting), greeting))
            return
        writer.write(answers)
        if b" 200 " not in answers:
            writer.close()
            return
        there = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    async with a_server(serve) as url:
        yield url.removesuffix("/v1"), heard


async def test_a_proxy_finds_names_that_are_unknown_here(endpoint: Endpoint) -> None:
    async with a_proxy() as (proxy, heard), asking(some_pools(allowed="", proxy=proxy)) as asks:
        reply = await endpoint.party(asks, url="http://agent.invalid/v1").take_turn(())
    assert reply.text == "Hello from the proxy."
    assert heard[0].startswith("POST http://agent.invalid/v1/chat/completions ")


async def test_a_tunnel_ends_in_tls_with_the_agent_s_own_name(endpoint: Endpoint) -> None:
    trust = trusted(CERTIFICATES / "ca.pem")
    async with a_proxy() as (proxy, heard), a_server(greet, presenting("good.pem")) as url:
        port = url.split(":")[2].removesuffix("/v1")
        async with asking(some_pools(allowed="", proxy=proxy.replace("//", "//me:hunter2@"), trust=trust)) as asks:
            reply = await endpoint.party(asks, url=f"https://agent.test:{port}/v1").take_turn(())
    assert reply.text == "Hello."
    assert heard[0].startswith(f"CONNECT agent.test:{port} ")
    assert "Proxy-Authorization: Basic bWU6aHVudGVyMg==" in heard[0]
    assert "sk-very-secret" not in "".join(heard), "the key is for the agent alone"


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "167772161", "inside.test"])
async def test_what_can_be_seen_to_lead_inside_is_not_asked_for(endpoint: Endpoint, host: str) -> None:
    def lookup(name: str) -> tuple[str, ...]:
        return ("10.0.0.1",) if name in ("inside.test", "167772161") else (name,)

    async with (
        a_proxy() as (proxy, heard),
        asking(some_pools(allowed="", proxy=proxy, resolver=Resolver(lookup))) as asks,
    ):
        assert "leads inside" in await failure_of(endpoint, asks, url=f"http://{host}/v1")
    assert heard == []


async def test_a_proxy_that_refuses_is_not_told_from_an_agent_that_is_not_there(endpoint: Endpoint) -> None:
    forbidden = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    async with a_proxy(forbidden) as (proxy, _), asking(some_pools(allowed="", proxy=proxy)) as asks:
        sentence = await failure_of(endpoint, asks, url="https://agent.invalid/v1")
    assert sentence == "The agent's endpoint could not be reached"
