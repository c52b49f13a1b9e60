"""Opening a stream: only where it may lead, and every way in which it can fail has its sentence and leaves nothing."""

import asyncio
import http
import os
import ssl
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.utils import accept_key

from services.caller.edges.endpoints import trust
from services.caller.edges.endpoints.trust import trusted
from services.caller.edges.streams import reaching, twilio
from services.caller.edges.streams.endpoint import MAX_HEADERS
from services.caller.edges.streams.failures import NotOpened
from services.caller.edges.streams.reaching import Streams
from shared.network.resolving import Resolver
from tests.support.stream_agent import a_stream_agent
from tests.support.waiting import eventually
from tests.unit.caller.endpoint import a_server
from tests.unit.caller.streams.calls import a_call, some_streams, tasks_of_streams
from tests.unit.caller.test_proxies import a_proxy
from tests.unit.caller.test_reach import REFUSED, names
from tests.unit.caller.test_tls import CERTIFICATES, presenting

KEY = "Bearer sk-very-secret"


async def failure(url: str, streams: Streams | None = None, **headers: str) -> NotOpened:
    """How a call fails; that nothing is left behind, and no secret told, is checked beside."""
    there = len(os.listdir("/proc/self/fd"))
    with pytest.raises(NotOpened) as failed:
        async with a_call(url, streams, headers={"Authorization": KEY} | headers):
            pass
    assert tasks_of_streams() == []
    assert "127.0.0.1" not in failed.value.sentence
    assert "sk-very" not in failed.value.sentence
    assert failed.value.__suppress_context__ or failed.value.__context__ is None, "nor in what a log prints below it"

    async def closed() -> bool:
        return len(os.listdir("/proc/self/fd")) <= there

    await eventually(closed, what="every socket is closed")
    return failed.value


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "169.254.169.254", "inside.test"])
async def test_what_leads_inside_is_not_called(host: str) -> None:
    def lookup(name: str) -> tuple[str, ...]:
        return ("10.0.0.1", "93.184.216.34") if name == "inside.test" else ("127.0.0.1",)

    async with a_stream_agent() as agent:
        failed = await failure(f"ws://{host}:{agent.port}/", some_streams("", resolver=Resolver(lookup)))
    assert (failed.kind, failed.sentence) == ("not_allowed", REFUSED)
    assert agent.sessions == []


async def test_a_name_is_looked_up_once_and_dialled_where_it_was_checked() -> None:
    asked: list[str] = []

    def rebinding(host: str) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",) if len(asked) == 1 else ("10.0.0.1",)

    async with (
        a_stream_agent() as agent,
        a_call(f"ws://agent.test:{agent.port}/media", some_streams(resolver=Resolver(rebinding))),
    ):
        request = agent.session.connection.request
    assert request is not None
    assert asked == ["agent.test"]
    assert request.headers["Host"] == f"agent.test:{agent.port}"


async def test_all_addresses_of_a_name_are_tried_one_after_the_other() -> None:
    async with a_stream_agent() as agent:
        streams = some_streams(resolver=names(agent_test=("127.0.0.9", "::1", "127.0.0.1")))
        async with a_call(f"ws://agent.test:{agent.port}/", streams) as leg:
            assert leg.ended is None


async def test_the_agent_gets_its_headers_and_its_address_as_it_is_written() -> None:
    async with a_stream_agent() as agent, a_call(agent.url, headers={"Authorization": KEY, "X-Agent": "7"}):
        request = agent.session.connection.request
    assert request is not None
    assert (request.headers["Authorization"], request.headers["X-Agent"]) == (KEY, "7")
    assert request.path == "/media?agent=1"
    assert "Sec-WebSocket-Extensions" not in request.headers, "nothing is packed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "elsewhere"},
        {"sec-websocket-key": "x"},
        {"Upgrade": "h2c"},
        {"X": "one\r\nHost: elsewhere"},
        {"X y": "1"},
        {"": "1"},
        {"X": "ü"},
        {"X": "1" * 5_000},
        {f"X-{number}": "1" for number in range(MAX_HEADERS + 1)},
    ],
)
async def test_headers_that_would_change_the_request_are_not_sent(headers: dict[str, str]) -> None:
    async with a_stream_agent() as agent:
        failed = await failure(agent.url, None, **headers)
    assert "has a header that cannot be sent" in failed.sentence
    assert agent.sessions == []


@pytest.mark.parametrize(
    "url", ["http://a.test/", "ws://", "ws://a.test:0/", "ws://a.test:x/", "ws://a.test:70000/", "ws://[::1/",
            "ws://a b/", "ws://a.test/#x", "ws://a.test/\r\nX: y"]
)  # fmt: skip
async def test_an_address_that_is_none_is_told(url: str) -> None:
    assert (await failure(url)).sentence == "The agent's endpoint has an address that cannot be read"


@pytest.mark.parametrize("url", ["ws://me:hunter2@a.test/", "ws://me@a.test/"])
async def test_a_password_in_an_address_is_not_used(url: str) -> None:
    failed = await failure(url)
    assert "hunter2" not in failed.sentence
    assert "address" in failed.sentence


async def test_nobody_there_is_told_as_such() -> None:
    async with a_stream_agent() as agent:
        pass
    failed = await failure(agent.url)
    assert (failed.kind, failed.sentence) == ("unreachable", "The agent's endpoint could not be reached")


@pytest.mark.parametrize(
    ("status", "kind", "rest"),
    [
        (401, "rejected", "answered 401: it did not accept the key"),
        (403, "rejected", "answered 403: it did not accept the key for this"),
        (404, "rejected", "answered 404: it does not know this address"),
        (429, "rejected", "answered 429: it gets too many requests"),
        (302, "rejected", "answered 302: it points elsewhere, and no redirect is followed"),
        (503, "rejected", "answered 503"),
        (200, "broken", "does not speak WebSocket there"),
    ],
)
async def test_another_answer_than_a_stream_is_told(status: int, kind: str, rest: str) -> None:
    async with a_stream_agent() as other:

        def refuse(connection: ServerConnection, request: Request) -> Response:
            response = connection.respond(http.HTTPStatus(status), "my private words")
            response.headers["Location"] = other.url
            return response

        async with a_stream_agent(refuse=refuse) as agent:
            failed = await failure(agent.url)
    assert (failed.kind, failed.sentence) == (kind, f"The agent's endpoint {rest}")
    assert other.sessions == []


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(answer: bytes) -> Serve:
    """A server that gives this answer to everything, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    return serve


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (b"", "ended the connection without an answer"),
        (b"HTTP/1.1 101 Switching Pro", "ended the connection without an answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "does not speak WebSocket there"),
        (b"\x00" * 100_000, "does not speak WebSocket there"),
        (b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 100_000, "does not speak WebSocket there"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         b"Sec-WebSocket-Accept: wrong\r\n\r\n", "does not speak WebSocket there"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "does not speak WebSocket there"),
    ],
)  # fmt: skip
async def test_what_is_no_handshake_is_told(answer: bytes, rest: str) -> None:
    async with a_server(answering(answer)) as url:
        failed = await failure(url.replace("http", "ws"))
    assert failed.sentence == f"The agent's endpoint {rest}"


async def test_an_agent_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "HANDSHAKE_LIMIT_SECONDS", 0.2)
    done = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with a_server(hang) as url:
        with pytest.raises(NotOpened) as failed:
            async with a_call(url.replace("http", "ws")):
                pass
        done.set()
    assert failed.value.kind == "no_answer"
    assert failed.value.sentence == "The agent's endpoint did not answer in time: 0.2 s are its limit"


@pytest.mark.parametrize("ending", [b"", b"\x88\x02\x03\xe8", b"\x88\x02\x03\xf0"])
async def test_an_agent_that_takes_the_call_and_closes_at_once_has_not_answered(ending: bytes) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ending)

    async with a_server(answering_the_handshake(close)) as url:
        failed = await failure(url.replace("http", "ws"))
    assert failed.kind == "hung_up"
    assert failed.sentence == "The agent's endpoint accepted the call and closed the connection at once"


async def test_a_call_that_is_given_up_while_it_is_opened_leaves_nothing() -> None:
    heard = asyncio.Event()
    ended = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await reader.read()
        ended.set()
        writer.close()

    async def call(url: str) -> None:
        async with a_call(url):
            pass

    async with a_server(hang) as url:
        calling = asyncio.create_task(call(url.replace("http", "ws")))
        await heard.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await asyncio.wait_for(ended.wait(), 20)
    assert tasks_of_streams() == []


def answering_the_handshake(then: Serve) -> Serve:
    """A server that takes every stream, and goes on as it is told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept_key(key).encode()
        )
        await then(reader, writer)
        writer.close()

    return serve


async def test_a_call_that_is_given_up_before_it_is_taken_leaves_nothing() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def read_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read(-1)
        ended.set()

    async with a_server(answering_the_handshake(read_on)) as url:
        calling = asyncio.create_task(a_call(url.replace("http", "ws")).__aenter__())
        await begun.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await asyncio.wait_for(ended.wait(), 20)
    assert tasks_of_streams() == []


async def test_an_agent_that_does_not_take_the_call_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio, "HANDSHAKE_LIMIT_SECONDS", 0.2)

    async def read_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with a_server(answering_the_handshake(read_on)) as url:
        failed = await failure(url.replace("http", "ws"))
    assert (failed.kind, "did not answer in time" in failed.sentence) == ("no_answer", True)


def secure(ca_file: bool = True) -> Streams:
    """Streams to names that all lead here."""
    context = trusted(CERTIFICATES / "ca.pem" if ca_file else None)
    return some_streams(resolver=Resolver(lambda _: ("127.0.0.1",)), trust=context)


async def test_the_operator_s_own_authority_is_trusted_for_the_name() -> None:
    async with (
        a_stream_agent(tls=presenting("good.pem")) as agent,
        a_call(f"wss://agent.test:{agent.port}/", secure()) as leg,
    ):
        assert leg.ended is None


@pytest.mark.parametrize(
    ("certificate", "own", "reason"),
    [
        ("expired.pem", True, trust.EXPIRED),
        ("other.pem", True, trust.OTHER_NAME),
        ("good.pem", False, trust.UNKNOWN_AUTHORITY),
    ],
)
async def test_a_certificate_that_is_not_accepted_is_told_with_its_fault(
    certificate: str, own: bool, reason: str
) -> None:
    async with a_stream_agent(tls=presenting(certificate)) as agent:
        failed = await failure(f"wss://agent.test:{agent.port}/", secure(own))
    assert (failed.kind, failed.sentence) == ("untrusted", f"The agent's endpoint could not be trusted: {reason}")


async def test_an_agent_without_tls_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with a_server(answer) as url:
        failed = await failure(url.replace("http", "wss"), secure())
    reason = "it does not speak TLS there: an address with ws:// may be meant"
    assert failed.sentence == f"The agent's endpoint could not be trusted: {reason}"


async def test_one_that_ends_the_connection_while_tls_is_agreed_on_is_told() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with a_server(close) as url:
        failed = await failure(url.replace("http", "wss"), secure())
    assert (failed.kind, failed.sentence) == ("untrusted", f"The agent's endpoint could not be trusted: {trust.CLOSED}")


@pytest.mark.parametrize("tls", [False, True])
async def test_a_proxy_leads_to_what_only_it_knows(tls: bool) -> None:
    certificate: ssl.SSLContext | None = presenting("good.pem") if tls else None
    async with a_proxy() as (proxy, heard), a_stream_agent(tls=certificate) as agent:
        streams = some_streams(
            "", proxy=proxy.replace("//", "//me:hunter2@"), trust=trusted(CERTIFICATES / "ca.pem"), resolver=names()
        )
        async with a_call(f"{'wss' if tls else 'ws'}://agent.test:{agent.port}/", streams, headers={"X-Key": KEY}):
            pass
    assert heard[0].startswith(f"CONNECT agent.test:{agent.port} ")
    assert "Proxy-Authorization: Basic bWU6aHVudGVyMg==" in heard[0]
    assert KEY not in heard[0]


async def test_a_proxy_is_not_asked_for_what_leads_inside() -> None:
    async with a_proxy() as (proxy, heard):
        inside = some_streams("", proxy=proxy, resolver=Resolver(lambda _: ("10.0.0.1",)))
        for host in ("10.0.0.1", "inside.test"):
            assert (await failure(f"ws://{host}/", inside)).kind == "not_allowed"
    assert heard == []


async def test_a_proxy_that_refuses_is_not_told_from_an_agent_that_is_not_there() -> None:
    async with a_proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (proxy, _):
        failed = await failure("wss://agent.invalid/", some_streams("", proxy=proxy))
    assert failed.sentence == "The agent's endpoint could not be reached"
