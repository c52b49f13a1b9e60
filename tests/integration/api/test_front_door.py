"""Before the key is known: whatever strangers send or leave unsent is bounded, and keeps nobody else out."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.integration.api.front_door import BODY, KEY, SECONDS, Connection, FrontDoor, a_front_door
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

MIB = 1_048_576
GET = b"GET /v1/healthz HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /v1/test-calls HTTP/1.1\r\nHost: a\r\n"
WITH_KEY = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
AUTHORIZED = POST + WITH_KEY
EXPECT = b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def door() -> Iterator[FrontDoor]:
    """The port with limits as they are, but for how long it waits."""
    with a_front_door(head_seconds=1.0, linger_seconds=1.0) as door:
        yield door


@pytest.fixture(scope="module")
def impatient() -> Iterator[FrontDoor]:
    """The port with little patience for whoever neither asks nor reads."""
    with a_front_door(idle_seconds=1.0, stalled_seconds=1.0) as door:
        yield door


@pytest.fixture(scope="module")
def narrow() -> Iterator[FrontDoor]:
    """The port with room for three."""
    with a_front_door(connections=3) as door:
        yield door


@pytest.fixture
async def line(door: FrontDoor) -> AsyncIterator[Connection]:
    """A connection to it."""
    async with door.connect() as line:
        yield line


def code_of(body: bytes) -> str:
    """The stable word of a refusal in the contract's form."""
    content = json.loads(body)
    assert set(content) == {"detail", "code"}
    return str(content["code"])


async def go_on(line: Connection) -> None:
    """Wait until the API asks for the body."""
    async with asyncio.timeout(SECONDS):
        assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_headers_of_190_mib_end_early_and_in_little_memory(narrow: FrontDoor) -> None:
    before = narrow.memory_bytes()
    for piece in (b"x" * 65_536, b"x-y: z\r\n" * 8_192, b"\r\nx-y: " + b"z" * 65_530):
        async with narrow.connect() as line:
            await line.send(GET, b"x-long: ")
            sent_bytes = 0
            while not line.writer.transport.is_closing() and sent_bytes < 190 * MIB:
                await line.send(piece)
                sent_bytes += len(piece)
            assert sent_bytes < 32 * MIB, "the rest of it is what the kernels keep"
    assert narrow.memory_bytes() - before < 40 * MIB
    assert await narrow.healthy()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(GET + b"x: " + b"y" * 33_000 + b"\r\n\r\n", id="one header too long"),
        pytest.param(GET + b"x" * 33_000 + b": y\r\n\r\n", id="one name too long"),
        pytest.param(GET + b"".join(b"x-%d: y\r\n" % nth for nth in range(100)) + b"\r\n", id="101 headers"),
        pytest.param(b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\n\r\n", id="a path too long"),
        pytest.param(GET + b"x: " + b"y" * 300_000, id="and no end"),
    ],
)
async def test_a_head_that_is_too_large_is_told_so(line: Connection, head: bytes) -> None:
    await line.send(head)
    status, headers, body = await line.answer()
    assert (status, code_of(body), headers["connection"]) == (431, "headers_too_large", "close")
    assert await line.closed() == b""


async def test_a_head_just_within_the_limits_is_served(line: Connection) -> None:
    await line.send(GET, b"".join(b"x-%d: y\r\n" % nth for nth in range(99)), b"\r\n")
    assert (await line.answer())[0] == 200
    await line.send(GET, b"x: ", b"y" * 32_700, b"\r\n\r\n")
    assert (await line.answer())[0] == 200


async def test_headers_behind_a_body_are_bounded_and_are_no_headers(door: FrontDoor, line: Connection) -> None:
    await line.send(POST, CHUNKED, b"0\r\n", WITH_KEY, b"\r\n")
    assert (await line.answer())[0] == 401, "nobody gets in by what comes behind the body"
    before = door.memory_bytes()
    for trailer in (b"x: " + b"y" * 65_533, b"x: y\r\n" * 10_000):
        async with door.connect() as other:
            await other.send(AUTHORIZED, CHUNKED, b"0\r\n")
            for _ in range(2_000):
                await other.send(trailer)
                if other.writer.transport.is_closing():
                    break
            assert other.writer.transport.is_closing()
    assert door.memory_bytes() - before < 40 * MIB


@pytest.mark.parametrize("sent", [GET, b"G", GET + b"x: y", b"\r\n\r\nGET / "])
async def test_a_head_that_does_not_end_is_ended(line: Connection, sent: bytes) -> None:
    await line.send(sent)
    status, headers, body = await line.answer()
    assert (status, code_of(body), headers["connection"]) == (408, "request_timeout", "close")
    assert await line.closed() == b""


async def test_a_head_that_drips_is_ended_all_the_same(line: Connection) -> None:
    async def drip() -> None:
        for _ in range(2_000):
            await line.send(b"y")
            await asyncio.sleep(0.01)

    await line.send(GET, b"x: ")
    dripping = asyncio.create_task(drip())
    assert (await line.answer())[0] == 408
    dripping.cancel()


async def test_a_connection_that_says_nothing_is_closed(impatient: FrontDoor) -> None:
    async with impatient.connect() as silent, impatient.connect() as spoken, impatient.connect() as blank:
        await spoken.send(GET, b"\r\n")
        assert (await spoken.answer())[0] == 200
        await blank.send(b"\r\n\r\n")
        assert [await one.closed() for one in (silent, spoken, blank)] == [b"", b"", b""]


async def test_whoever_does_not_read_is_given_up(impatient: FrontDoor) -> None:
    ask = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"
    before = impatient.memory_bytes()
    async with AsyncExitStack() as open_ones:
        lines = [await open_ones.enter_async_context(impatient.connect()) for _ in range(50)]
        for line in lines:
            line.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await line.send(ask * 10)
        await eventually(impatient.has_clients, what="they are connected")
        assert impatient.memory_bytes() - before < 40 * MIB, "what nobody reads is not kept for everybody"
        await eventually(impatient.is_left_alone, what="they are given up")
        assert await impatient.healthy()


async def test_five_thousand_idle_connections_keep_nobody_out() -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(5_000, files[1] - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files[0], min(count + 500, files[1])), files[1]))
    try:
        with a_front_door(connections=count) as door:
            async with AsyncExitStack() as open_ones:
                lines = [await open_ones.enter_async_context(door.connect()) for _ in range(count)]
                await asyncio.gather(*(line.send(GET) for line in lines[::2]))  # half of them have begun to ask
                assert await door.healthy()
                assert await lines[0].closed() == b"", "the longest idle one has gone for the newcomer"
                await lines[-1].send(GET, b"\r\n")
                assert (await lines[-1].answer())[0] == 200, "and the others stay"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)


async def test_whoever_works_is_not_closed_for_newcomers(narrow: FrontDoor) -> None:
    async with narrow.connect() as busy:
        await busy.send(AUTHORIZED, EXPECT)
        await go_on(busy)
        for _ in range(20):
            async with narrow.connect() as idle:
                await idle.send(b"G")
        assert await narrow.healthy()
        await busy.send(BODY)
        assert (await busy.answer())[0] == 404


async def test_a_request_too_many_at_once_is_told_to_come_again(narrow: FrontDoor) -> None:
    async with narrow.connect() as first, narrow.connect() as second, narrow.connect() as third:
        for busy in (first, second, third):
            await busy.send(AUTHORIZED, EXPECT)
            await go_on(busy)
        async with narrow.connect() as fourth:
            await fourth.send(GET, b"\r\n")
            status, headers, body = await fourth.answer()
            assert (status, code_of(body), "retry-after" in headers) == (503, "unavailable", True)
        await first.send(BODY)
        assert (await first.answer())[0] == 404
        await eventually(narrow.healthy, what="there is room again")


async def test_many_tiny_requests_at_once_are_not_all_kept(door: FrontDoor, line: Connection) -> None:
    before = door.memory_bytes()
    await line.send(b"GET /v1 HTTP/1.1\r\n\r\n" * 200_000)
    await line.closed()
    assert door.memory_bytes() - before < 40 * MIB
    assert await door.healthy()


async def test_a_few_requests_at_once_are_answered_in_turn(line: Connection) -> None:
    await line.send((GET + b"\r\n") * 10)
    assert [(await line.answer())[0] for _ in range(10)] == [200] * 10


@pytest.mark.parametrize(("sent", "answered"), [(17, 17), (18, 17), (40, 17)])
async def test_requests_at_once_are_kept_up_to_a_limit(line: Connection, sent: int, answered: int) -> None:
    """One is worked at, and 16 wait. Whatever was read is answered; behind one too many nothing is."""
    await line.send((GET + b"\r\n") * sent)
    assert [(await line.answer())[0] for _ in range(answered)] == [200] * answered
    if sent == 17:
        await line.send(GET, b"\r\n")
        assert (await line.answer())[0] == 200
    else:
        assert await line.closed() == b""


async def test_the_settings_of_the_process_are_asked_for_files() -> None:
    """Where there are fewer files than connections, the limit is what the files allow."""
    with a_front_door(connections=500, files=300) as door:
        async with AsyncExitStack() as open_ones:
            for _ in range(600):
                await open_ones.enter_async_context(door.connect())
            await eventually(door.healthy, within_seconds=20, what="a newcomer is served")
