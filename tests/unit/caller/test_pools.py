"""Connections: nobody waits for anybody else's, what waits on our side is not the far end's time, nothing piles up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.responses import Response

from services.caller.domain.turn import PartyError
from services.caller.edges.endpoints import pools as pools_module
from services.caller.edges.endpoints.asking import HttpAsks
from shared.network.resolving import Resolver
from tests.support.waiting import eventually
from tests.unit.caller.endpoint import Endpoint, a_server, asking, failure_of, saying, some_pools

HANGING = 150


@asynccontextmanager
async def hanging() -> AsyncIterator[tuple[str, list[int]]]:
    """An endpoint that hears and never answers; how many it holds."""
    held = [0]

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held[0] += 1
        try:
            await reader.read()
        finally:
            held[0] -= 1
            writer.close()

    async with a_server(hold) as url:
        yield url, held


@pytest.mark.parametrize("org_id", [1, 2])
async def test_endpoints_that_hang_cost_a_healthy_one_nothing(endpoint: Endpoint, org_id: int) -> None:
    """Whether they are another organisation's or of its own: there is room for all calls of the process."""
    async with asking(some_pools(calls_limit=HANGING + 1)) as asks, hanging() as (url, held):
        stuck = [asyncio.create_task(endpoint.party(asks, url=url).take_turn(())) for _ in range(HANGING)]

        async def all_hang() -> bool:
            return held[0] == HANGING

        await eventually(all_hang, within_seconds=30, what="all hang")
        began = time.monotonic()
        reply = await endpoint.party(asks, org_id=org_id).take_turn(())
        took_seconds = time.monotonic() - began
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
    assert reply.text == "Hello."
    assert took_seconds < 5, "the hanging ones' limit is 20 s"
    assert reply.think_ms <= took_seconds * 1_000


async def test_even_at_one_address_organisations_have_rooms_of_their_own(endpoint: Endpoint) -> None:
    done = asyncio.Event()

    async def hang(_: dict[str, Any]) -> Response:
        await done.wait()
        return saying("At last.")

    pools = some_pools(calls_limit=1)
    async with asking(pools) as asks:
        endpoint.answers = [hang, saying("Hello.")]
        first = asyncio.create_task(endpoint.party(asks, org_id=1).take_turn(()))

        async def asked() -> bool:
            return len(endpoint.asked) == 1

        await eventually(asked, what="the first one is asked")
        assert (await endpoint.party(asks, org_id=2).take_turn(())).text == "Hello."
        assert len(pools) == 2
        done.set()
        assert (await first).text == "At last."


async def test_what_waits_on_our_side_is_not_the_far_end_s_time(endpoint: Endpoint) -> None:
    def slow_name(host: str) -> tuple[str, ...]:
        time.sleep(0.5)
        return ("127.0.0.1",)

    async with asking(some_pools(resolver=Resolver(slow_name))) as asks:
        url = f"http://agent.test:{endpoint.port}/v1"
        began = time.monotonic()
        reply = await endpoint.party(asks, url=url).take_turn(())
    assert time.monotonic() - began >= 0.5
    assert reply.think_ms < 400


async def test_a_connection_is_used_again_at_once_and_not_after_a_while(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connections_for(asks: HttpAsks) -> int:
        connections = 0
        served = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            greeting = bytes(saying("Hello.").body)
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(greeting), greeting))
                served.set()

        async with a_server(serve) as url:
            party = endpoint.party(asks, url=url)
            for _ in range(3):
                await party.take_turn(())
        return connections

    async with asking(some_pools()) as asks:
        assert await connections_for(asks) == 1
    monkeypatch.setattr(pools_module, "KEPT_OPEN_SECONDS", -1.0)
    async with asking(some_pools()) as asks:
        assert await connections_for(asks) == 3


async def test_pools_that_nobody_uses_are_closed(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pools = some_pools()
    async with asking(pools) as asks:
        monkeypatch.setattr(pools_module, "KEPT_OPEN_SECONDS", 60.0)
        await endpoint.party(asks, org_id=1).take_turn(())
        monkeypatch.setattr(pools_module, "KEPT_OPEN_SECONDS", -1.0)
        await endpoint.party(asks, org_id=2).take_turn(())
        assert len(pools) == 2
        await pools.close_idle()
        assert len(pools) == 1


async def test_the_number_of_pools_is_bounded(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools_module, "SPARE_POOLS", 2)
    pools = some_pools(calls_limit=1)
    async with asking(pools) as asks:
        for org_id in range(10):
            await endpoint.party(asks, org_id=org_id).take_turn(())
            assert len(pools) <= 3


async def test_a_turn_that_is_given_up_leaves_nothing_behind(endpoint: Endpoint) -> None:
    pools = some_pools(calls_limit=1)
    async with asking(pools) as asks, hanging() as (url, held):
        for _ in range(3):
            with pytest.raises(PartyError, match="did not answer in time"):
                await endpoint.party(asks, url=url, limit_seconds=0.1).take_turn(())

        async def nobody_hangs() -> bool:
            return held[0] == 0

        await eventually(nobody_hangs, what="the connections are closed")


async def test_nobody_there_is_told_as_such(endpoint: Endpoint, asks: HttpAsks) -> None:
    async with a_server(lambda *_: asyncio.sleep(0)) as url:
        pass
    assert await failure_of(endpoint, asks, url=url) == "The agent's endpoint could not be reached"
