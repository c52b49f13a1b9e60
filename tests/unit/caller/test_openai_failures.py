"""A chat endpoint that fails: the call ends with a sentence for the customer, with no prompt, key or answer in it."""

import asyncio
import re
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.caller.edges.endpoints.asking import HttpAsks
from tests.unit.caller.endpoint import LEAK, Endpoint, a_server, failure_of, saying


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (401, ": it did not accept the key"),
        (403, ": it did not accept the key for this"),
        (404, ": it does not know this address, or this model"),
        (429, ": it gets too many requests"),
        (500, ""),
        (503, ""),
    ],
)
async def test_a_refusal_is_told_by_its_number_and_nothing_is_sent_twice(
    endpoint: Endpoint, asks: HttpAsks, status: int, meaning: str
) -> None:
    endpoint.answers = [JSONResponse({"error": {"message": LEAK}}, status_code=status), saying("Hello again.")]
    assert await failure_of(endpoint, asks) == f"The agent's endpoint answered {status}{meaning}"
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"retry-after": "30"}, "; it asks to wait 30 s"),
        ({"retry-after": "0"}, "; it asks to wait 0 s"),
        ({"retry-after-ms": "1500"}, "; it asks to wait 2 s"),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, ""),
        ({"retry-after": LEAK}, ""),
        ({"retry-after": "-1"}, ""),
        ({"retry-after": "nan"}, ""),
        ({"retry-after": "1e300"}, ""),
    ],
)
async def test_how_long_to_wait_is_told_and_not_waited_for(
    endpoint: Endpoint, asks: HttpAsks, headers: dict[str, str], asked: str
) -> None:
    endpoint.answers = [JSONResponse({}, status_code=429, headers=headers)]
    began = time.monotonic()
    assert await failure_of(endpoint, asks) == f"The agent's endpoint answered 429: it gets too many requests{asked}"
    assert time.monotonic() - began < 5, "nobody waits"


async def test_a_date_to_wait_for_is_told_in_seconds(endpoint: Endpoint, asks: HttpAsks) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    endpoint.answers = [JSONResponse({}, status_code=503, headers={"retry-after": at})]
    assert re.fullmatch(
        r"The agent's endpoint answered 503: it asks to wait (9\d|100) s", await failure_of(endpoint, asks)
    )


async def test_a_far_end_that_hangs_up_is_not_called_again(asks: HttpAsks, endpoint: Endpoint) -> None:
    heard = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        await reader.readuntil(b"\r\n\r\n")
        heard += 1
        writer.close()

    async with a_server(hang_up) as url:
        sentence = await failure_of(endpoint, asks, url=url)
    assert sentence == "The agent's endpoint ended the connection without an answer"
    assert heard == 1


async def test_an_endpoint_that_takes_too_long_did_not_answer_in_time_and_the_limit_is_named(
    endpoint: Endpoint, asks: HttpAsks
) -> None:
    done = asyncio.Event()

    async def never(_: dict[str, Any]) -> Response:
        await done.wait()
        return saying(LEAK)

    endpoint.answers = [never]
    sentence = await failure_of(endpoint, asks, limit_seconds=0.25)
    assert sentence == "The agent's endpoint did not answer in time: 0.25 s are its limit"
    assert len(endpoint.asked) == 1
    done.set()


async def test_an_answer_that_drips_is_not_waited_for_longer(asks: HttpAsks, endpoint: Endpoint) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    async with a_server(drip) as url:
        assert "did not answer in time" in await failure_of(endpoint, asks, url=url, limit_seconds=0.3)


async def test_an_endpoint_that_is_not_there_could_not_be_reached(endpoint: Endpoint, asks: HttpAsks) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        assert await failure_of(endpoint, asks, url=url) == "The agent's endpoint could not be reached"


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://no host/v1", "https://127.0.0.1:1/v1", "http://x:99999/"]
)
async def test_an_address_that_leads_nowhere_fails_the_call_and_not_the_caller(
    endpoint: Endpoint, asks: HttpAsks, url: str
) -> None:
    await failure_of(endpoint, asks, url=url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_led_elsewhere(endpoint: Endpoint, asks: HttpAsks, status: int) -> None:
    endpoint.answers = [RedirectResponse("/elsewhere", status_code=status)]
    sentence = await failure_of(endpoint, asks)
    assert sentence == f"The agent's endpoint answered {status}: it points elsewhere, and no redirect is followed"
    assert endpoint.strayed == 0
