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


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{",
        b"220 this is a mail server\r\n",
        b"",
    ],
)
async def test_somebody_else_at_the_port_is_no_service_of_ours(answer: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with server:
        assert await asyncio.to_thread(readyz, server.sockets[0].getsockname()[1]) is None


def test_nobody_answers_where_nobody_is() -> None:
    assert readyz(free_port()) is None
