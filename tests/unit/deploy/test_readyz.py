"""What services on this machine say of themselves is asked of them, whatever proxy the environment names."""

import asyncio

import pytest
import uvicorn

from deploy.local.ports import free_port
from deploy.local.readyz import readyz
from shared.process.ops import Readiness, ops_app
from tests.support.waiting import eventually


async def test_a_service_is_asked_directly_and_heard_when_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")  # nobody is there
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    port = free_port()
    app = ops_app(lambda: Readiness(ready=False, parts={"relay": False}))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    try:
        await eventually(started)
        told = await asyncio.to_thread(readyz, port)
    finally:
        server.should_exit = True
        await serving
    assert told is not None
    assert told["parts"] == {"relay": False}


def test_nobody_answers_where_nobody_is() -> None:
    assert readyz(free_port()) is None
