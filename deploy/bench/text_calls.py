"""Calls of three turns in which the agent and the test bot's mind both sit behind a chat endpoint that takes 50 ms."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, cycle

from deploy.bench.client import Connection
from deploy.bench.measures import CREATED, Settled, body, quantile
from deploy.bench.rig import Rig, a_rig
from deploy.local.ports import free_port
from shared.events.connection import OpenAIConnection

THINK_SECONDS = 0.05
LINES = 3
FASTEST = "1000"  # CALL_SPEED: speech takes next to no time
POLL_SECONDS = 0.005
CALL_SECONDS = 60.0


@dataclass(frozen=True)
class TextCalls:
    """Runs from POST to completed, as a client sees them."""

    runs_per_second: float
    p50_ms: float
    p95_ms: float


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer chat completions on one connection: so many lines, then the agent hangs up."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            asked = json.loads(await reader.readexactly(length))
            await asyncio.sleep(THINK_SECONDS)
            said = sum(message["role"] == "assistant" for message in asked["messages"])
            text = "Goodbye then. [END_CALL]" if said >= LINES else f"This is line {said + 1}."
            message = {"role": "assistant", "content": text}
            content = json.dumps(
                {
                    "id": "1", "object": "chat.completion", "created": 0, "model": "m",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                }
            ).encode()  # fmt: skip
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
            writer.write(head + content)
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        pass  # the caller is gone, or the bench ends
    finally:
        writer.close()


@asynccontextmanager
async def _an_endpoint() -> AsyncIterator[str]:
    port = free_port()
    server = await asyncio.start_server(_answer, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.close()


async def text_calls(*, at_once: int, runs: int) -> TextCalls:
    """Place `runs` calls, `at_once` at a time, each as soon as one before it has ended."""
    async with _an_endpoint() as url:
        agent = OpenAIConnection(kind="openai", base_url=url, model="m")
        async with a_rig(
            agent, BOT_MIND="openai", BOT_BASE_URL=url, BOT_MODEL="m", CALL_SPEED=FASTEST
        ) as rig:  # fmt: skip
            await _place(rig, at_once=at_once, runs=at_once * 2)  # warm up
            return await _place(rig, at_once=at_once, runs=runs)


async def _place(rig: Rig, *, at_once: int, runs: int) -> TextCalls:
    settled = await Settled.so_far(rig)
    numbers, orgs = count(), cycle(rig.orgs)
    waits: list[float] = []

    async def client() -> None:
        connection = await Connection.open(rig.api_port)
        while next(numbers) < runs:
            org = next(orgs)
            began = time.monotonic()
            status, run = await connection.post("/v1/test-calls", org.key, body(org, 0))
            if status != CREATED:
                raise RuntimeError(f"POST answered {status}: {run}")
            async with asyncio.timeout(CALL_SECONDS):
                while run["status"] not in ("completed", "failed"):
                    await asyncio.sleep(POLL_SECONDS)
                    _, run = await connection.get(f"/v1/test-calls/{run['id']}", org.key)
            if run["status"] != "completed":
                raise RuntimeError(f"a run failed: {run['error_message']}")
            waits.append((time.monotonic() - began) * 1_000)

    began = time.monotonic()
    await asyncio.gather(*(client() for _ in range(at_once)))
    seconds = time.monotonic() - began
    await settled.wait_for_more(runs)
    waits.sort()
    return TextCalls(runs / seconds, quantile(waits, 0.5), quantile(waits, 0.95))
