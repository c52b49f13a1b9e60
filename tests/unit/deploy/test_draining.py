"""What `make down` tells while it waits."""

import asyncio

import pytest
import uvicorn

from deploy.local.draining import Teller, waits_of
from deploy.local.ports import free_port
from shared.process.draining import Wait
from shared.process.ops import Readiness, ops_app
from tests.support.waiting import eventually


async def test_it_tells_of_who_drains_what_is_waited_for_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[Wait | None] = [Wait("3 calls up", 70)]
    port = free_port()
    app = ops_app(lambda: Readiness(calls[0] is None, {"leases": True}, draining=calls[0]))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    ports = {"caller": port, "billing": free_port()}  # nobody answers there: it has stopped already
    tell = Teller(ports)

    async def started() -> bool:
        return server.started

    try:
        await eventually(started)
        await asyncio.to_thread(tell)
        calls[0] = Wait("3 calls up", 69)
        await asyncio.to_thread(tell)
        calls[0] = Wait("1 call up", 68)
        await asyncio.to_thread(tell)
        calls[0] = Wait("0 calls up", 0)
        await asyncio.to_thread(tell)
        calls[0] = None
        assert await asyncio.to_thread(waits_of, ports) == {}
    finally:
        server.should_exit = True
        await serving
    told = capsys.readouterr().out.splitlines()
    assert told == ["caller: 3 calls up, at most 70 s", "caller: 1 call up, at most 68 s"]
