"""A chat endpoint that fails: the call ends with a sentence for the customer, with no prompt, key or answer in it."""

import asyncio
import socket
from typing import Any

import httpx2
import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.caller.edges.parties import openai_chat
from tests.unit.caller.endpoint import LEAK, Endpoint, failure_of, saying


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_refusal_is_told_by_its_number_alone(endpoint: Endpoint, http: httpx2.AsyncClient, status: int) -> None:
    endpoint.answers = [JSONResponse({"error": {"message": LEAK}}, status_code=status)]
    assert await failure_of(endpoint, http) == f"The agent's endpoint answered {status}"


async def test_a_passing_failure_is_tried_again_once(endpoint: Endpoint, http: httpx2.AsyncClient) -> None:
    broken = JSONResponse({}, status_code=500, headers={"retry-after-ms": "1"})
    endpoint.answers = [broken, saying("Hello again.")]
    assert (await endpoint.party(http).take_turn(())).text == "Hello again."
    endpoint.answers = [broken]
    await failure_of(endpoint, http)
    assert len(endpoint.asked) == 2 + 2


@pytest.mark.parametrize("status", [400, 422])
async def test_an_endpoint_without_tools_is_asked_again_without_them_and_from_then_on(
    endpoint: Endpoint, http: httpx2.AsyncClient, status: int
) -> None:
    async def plain(body: dict[str, Any]) -> Response:
        return JSONResponse({}, status_code=status) if "tools" in body else saying("Hello.")

    endpoint.answers = [plain]
    party = endpoint.party(http)
    assert (await party.take_turn(())).text == "Hello."
    assert (await party.take_turn(())).text == "Hello."
    assert ["tools" in body for body in endpoint.asked] == [True, False, False]


async def test_an_endpoint_that_refuses_without_tools_as_well_is_not_asked_for_ever(
    endpoint: Endpoint, http: httpx2.AsyncClient
) -> None:
    endpoint.answers = [JSONResponse({}, status_code=400)]
    assert await failure_of(endpoint, http) == "The agent's endpoint answered 400"
    assert len(endpoint.asked) == 2


@pytest.mark.usefixtures("once")
async def test_an_endpoint_that_takes_too_long_did_not_answer_in_time(
    endpoint: Endpoint, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_chat, "REPLY_LIMIT_SECONDS", 0.1)
    done = asyncio.Event()

    async def never(_: dict[str, Any]) -> Response:
        await done.wait()
        return saying(LEAK)

    endpoint.answers = [never]
    assert await failure_of(endpoint, http) == "The agent's endpoint did not answer in time"
    done.set()


@pytest.mark.usefixtures("once")
async def test_an_endpoint_that_is_not_there_could_not_be_reached(endpoint: Endpoint, http: httpx2.AsyncClient) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        assert await failure_of(endpoint, http, url=url) == "The agent's endpoint could not be reached"


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://no host/v1", "https://127.0.0.1:1/v1", "http://x:99999/"]
)
async def test_an_address_that_leads_nowhere_fails_the_call_and_not_the_caller(
    endpoint: Endpoint, http: httpx2.AsyncClient, url: str
) -> None:
    await failure_of(endpoint, http, url=url)


@pytest.mark.usefixtures("once")
async def test_nobody_is_led_elsewhere(endpoint: Endpoint, http: httpx2.AsyncClient) -> None:
    endpoint.answers = [RedirectResponse("/elsewhere", status_code=307)]
    assert await failure_of(endpoint, http) == "The agent's endpoint answered 307"
    assert endpoint.strayed == 0
