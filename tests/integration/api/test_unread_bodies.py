"""Requests that are answered before they end, or that do not end as they said: what is left is never a request."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.api.front_door import BODY, KEY, SLOW_ID, Connection, FrontDoor, a_front_door

pytestmark = pytest.mark.integration

AUTHORIZATION = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
POST = b"POST /v1/test-calls HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /v1/healthz HTTP/1.1\r\nHost: a\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
EXPECT = b"Expect: 100-continue\r\n"
EARLY = {
    "no key": (POST, 401),
    "encoded": (POST + AUTHORIZATION + b"Content-Encoding: gzip\r\n", 415),
    "a wrong method": (POST.replace(b"POST", b"PUT") + AUTHORIZATION, 405),
    "no such path": (POST.replace(b"/v1/test-calls", b"/nothing"), 404),
    "options": (POST.replace(b"POST", b"OPTIONS"), 204),
    "healthz": (POST.replace(b"POST /v1/test-calls", b"GET /v1/healthz"), 200),
}


@pytest.fixture(scope="module")
def door() -> Iterator[FrontDoor]:
    with a_front_door(linger_seconds=1.0, body_idle_seconds=1.0, body_seconds=3.0) as door:
        yield door


@pytest.fixture
async def line(door: FrontDoor) -> AsyncIterator[Connection]:
    async with door.connect() as line:
        yield line


@pytest.mark.parametrize("framing", [LENGTH % len(GET * 2), CHUNKED], ids=["length", "chunks"])
@pytest.mark.parametrize("expect", [b"", EXPECT], ids=["sends", "asks"])
@pytest.mark.parametrize(("head", "status"), EARLY.values(), ids=EARLY)
async def test_an_early_answer_closes_and_the_rest_is_no_request(
    line: Connection, head: bytes, status: int, expect: bytes, framing: bytes
) -> None:
    await line.send(head, expect, framing)
    found, headers, _ = await line.answer()
    assert (found, headers["connection"]) == (status, "close")
    await line.send(GET * 2)  # the body it announced, or the next request of a client that keeps its body
    assert await line.closed() == b"", "what came behind was answered"


@pytest.mark.parametrize(("head", "status"), EARLY.values(), ids=EARLY)
async def test_where_the_body_is_there_the_connection_stays(line: Connection, head: bytes, status: int) -> None:
    await line.send(head, LENGTH % len(BODY), BODY)
    found, headers, _ = await line.answer()
    assert (found, headers.get("connection")) == (status, None)
    await line.send(GET)
    assert (await line.answer())[0] == 200


async def test_whoever_asks_before_sending_is_told_to_go_on(line: Connection) -> None:
    await line.send(POST, AUTHORIZATION, EXPECT, LENGTH % len(BODY))
    assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await line.send(BODY)
    status, headers, body = await line.answer()
    assert (status, json.loads(body)["code"], headers.get("connection")) == (404, "target_not_found", None)
    await line.send(GET)
    assert (await line.answer())[0] == 200


@pytest.mark.parametrize("head", [POST, POST + AUTHORIZATION])
async def test_whoever_sends_too_much_can_still_read_that_it_was_too_much(line: Connection, head: bytes) -> None:
    await line.send(head, LENGTH % 2_000_000)
    await line.send(b" " * 2_000_000)
    status, headers, _ = await line.answer()
    assert (status, headers["connection"]) == (413 if AUTHORIZATION in head else 401, "close")
    assert await line.closed() == b""


async def test_the_rest_is_not_taken_for_ever(door: FrontDoor, line: Connection) -> None:
    await line.send(POST, LENGTH % 10**12)
    assert (await line.answer())[0] == 401
    for _ in range(1_000):
        await line.send(b" " * 1_000_000)
        if line.writer.transport.is_closing():
            break
    assert line.writer.transport.is_closing()
    assert await door.healthy()


@pytest.mark.parametrize("sent", [b"", b'{"target_type"'])
async def test_a_body_that_does_not_come_is_ended(line: Connection, sent: bytes) -> None:
    await line.send(POST, AUTHORIZATION, LENGTH % 1_000, sent)
    status, headers, body = await line.answer()
    assert (status, json.loads(body)["code"], headers["connection"]) == (408, "request_timeout", "close")
    assert await line.closed() == b""


async def test_a_body_that_takes_its_time_within_the_limits_is_read(line: Connection) -> None:
    await line.send(POST, AUTHORIZATION, CHUNKED)
    for byte in BODY[:10]:
        await line.send(b"1\r\n%c\r\n" % byte)
        await asyncio.sleep(0.1)
    await line.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY) - 10, BODY[10:]))
    status, headers, _ = await line.answer()
    assert (status, headers.get("connection")) == (404, None)


async def test_a_body_that_drips_is_ended_all_the_same(line: Connection) -> None:
    """Each byte comes in time, and the whole does not."""
    await line.send(POST, AUTHORIZATION, CHUNKED)
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = asyncio.create_task(line.answer())
    while not answer.done():
        assert loop.time() - began < 30
        await line.send(b"1\r\n \r\n")
        await asyncio.wait([answer], timeout=0.2)
    assert answer.result()[0] == 408


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(POST + AUTHORIZATION + CHUNKED + b"x\r\n", id="a chunk of no length"),
        pytest.param(POST + AUTHORIZATION + CHUNKED + b"2\r\n{}x", id="a chunk longer than it says"),
        pytest.param(POST + AUTHORIZATION + CHUNKED + b"f" * 17 + b"\r\n", id="a chunk longer than can be counted"),
        pytest.param(POST + AUTHORIZATION + CHUNKED + b"-2\r\n{}\r\n", id="a chunk of negative length"),
        pytest.param(POST + AUTHORIZATION + b"Content-Length: 2\r\n" + CHUNKED + b"0\r\n\r\n", id="two framings"),
        pytest.param(POST + AUTHORIZATION + b"Content-Length: 2\r\n" + LENGTH % 3 + b"{}", id="two lengths"),
        pytest.param(POST + AUTHORIZATION + b"Content-Length: +2\r\n\r\n{}", id="a signed length"),
        pytest.param(POST + AUTHORIZATION + b"Content-Length: 2, 2\r\n\r\n{}", id="a list of lengths"),
        pytest.param(POST + AUTHORIZATION + b"Content-Length: 0x2\r\n\r\n{}", id="a hexadecimal length"),
        pytest.param(POST + AUTHORIZATION + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", id="an endless length"),
        pytest.param(POST + AUTHORIZATION + b"Transfer-Encoding: chunked, identity\r\n\r\n", id="no known framing"),
        pytest.param(POST + AUTHORIZATION + b"Content-Length : 2\r\n\r\n{}", id="a space before the colon"),
        pytest.param(POST + b"x: y\r\n z\r\n\r\n", id="a folded header"),
        pytest.param(POST + b"x: a\x00b\r\n\r\n", id="a NUL in a header"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"HELLO\r\n\r\n", id="no HTTP"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="HTTP of another age"),
        pytest.param(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", id="CONNECT"),
    ],
)
async def test_what_is_no_http_is_told_so_and_closed(line: Connection, request_: bytes) -> None:
    await line.send(request_)
    status, headers, body = await line.answer()
    assert (status, json.loads(body)["code"], headers["connection"]) == (400, "bad_request", "close")
    assert headers["content-type"] == "application/json"
    await line.send(GET)
    assert await line.closed() == b""


async def test_a_length_that_is_too_small_leaves_no_request_behind(line: Connection) -> None:
    """The request is as long as it says, and gets its answer; what is left of its body is no HTTP, and the end."""
    await line.send(POST, AUTHORIZATION, LENGTH % (len(BODY) - 1), BODY, GET)
    status, headers, body = await line.answer()
    assert (status, json.loads(body)["code"], headers["connection"]) == (400, "malformed_json", "close")
    assert await line.closed() == b""


async def test_garbage_behind_a_request_does_not_cost_its_answer(line: Connection) -> None:
    """What was accepted is charged, so its client has to hear of it."""
    await line.send(POST, AUTHORIZATION, LENGTH % len(BODY), BODY, b"garbage\r\n\r\n", GET)
    status, headers, body = await line.answer()
    assert (status, json.loads(body)["code"], headers["connection"]) == (404, "target_not_found", "close")
    assert await line.closed() == b""


async def test_whoever_has_nothing_more_to_send_still_hears_the_answer(line: Connection) -> None:
    await line.send(POST, AUTHORIZATION, LENGTH % len(BODY), BODY.replace(b": 1", b": %d" % SLOW_ID))
    line.writer.write_eof()
    status, headers, _ = await line.answer()
    assert (status, headers["connection"]) == (404, "close")
    assert await line.closed() == b""


async def test_whoever_leaves_in_mid_request_is_nobodys_fault(door: FrontDoor) -> None:
    for sent in (b"", GET[:9], POST + AUTHORIZATION + LENGTH % 1_000, POST + AUTHORIZATION + LENGTH % 9 + b'{"a"'):
        async with door.connect() as line:
            await line.send(sent)
            line.writer.write_eof()
            assert await line.closed() == b""
    assert await door.healthy()


async def test_a_wish_for_another_protocol_is_answered_in_this_one(line: Connection) -> None:
    await line.send(
        GET[:-2], b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n", GET
    )
    status, headers, _ = await line.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert await line.closed() == b""


async def test_options_of_the_server_as_a_whole_is_answered(line: Connection) -> None:
    await line.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await line.answer())[0] == 404
    await line.send(GET)
    assert (await line.answer())[0] == 200
