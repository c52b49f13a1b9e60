"""Calls of three turns in which the agent and the test bot's mind both sit behind a chat endpoint that takes 50 ms."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle

import asyncpg

from deploy.bench.client import Connection
from deploy.bench.far_end import MODEL, a_far_end
from deploy.bench.measures import CREATED, Settled, body, quantile, settled_at
from deploy.bench.rig import Rig, a_rig
from deploy.bench.usage import Usage
from shared.events.connection import OpenAIConnection

POLL_SECONDS = 0.005
CALL_SECONDS = 60.0
FASTEST = "1000"  # CALL_SPEED: speech takes next to no time


@dataclass(frozen=True)
class TextCalls:
    """From sending the POST to the API's picture of the ended run, and to the settling ledger entry."""

    runs: int
    runs_per_second: float
    p50_ms: float
    p95_ms: float
    settled_p50_ms: float
    settled_p95_ms: float
    usage: Usage


@asynccontextmanager
async def a_talking_rig() -> AsyncIterator[Rig]:
    """Start everything, with agents and a mind that talk; the far end is one of its processes."""
    with a_far_end() as far_end:
        agent = OpenAIConnection(kind="openai", base_url=far_end.base_url, model=MODEL)
        mind = {"BOT_MIND": "openai", "BOT_BASE_URL": far_end.base_url, "BOT_MODEL": MODEL, "CALL_SPEED": FASTEST}
        async with a_rig(agent, **mind) as rig:
            rig.processes["far end"] = far_end.pid
            yield rig


class _Endings:
    """Tells clients when their run has ended: one question for all of them, whose own polls would load the API."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._open: dict[int, asyncio.Future[None]] = {}

    @classmethod
    @asynccontextmanager
    async def watched(cls, rig: Rig) -> AsyncIterator["_Endings"]:
        """Look all the time."""
        endings = cls(await asyncpg.connect(rig.admin_url))
        looking = asyncio.create_task(endings._look_for_ever())
        try:
            yield endings
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            await endings._connection.close()

    async def of(self, run_id: int) -> None:
        """Wait until the API has a run as completed. Raises RuntimeError for one that failed."""
        self._open[run_id] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(CALL_SECONDS):
            await self._open[run_id]

    async def _look_for_ever(self) -> None:
        question = "SELECT id, status FROM api.runs WHERE id = ANY($1::bigint[]) AND completed_at IS NOT NULL"
        async with self._connection.transaction():  # a single one, so that these questions do not count as any
            while True:
                await asyncio.sleep(POLL_SECONDS)
                for run_id, status in await self._connection.fetch(question, list(self._open)) if self._open else ():
                    ending = self._open.pop(run_id)
                    if status == "completed":
                        ending.set_result(None)
                    else:
                        ending.set_exception(RuntimeError("a run failed"))


async def text_calls(rig: Rig, *, at_once: int, runs: int) -> TextCalls:
    """Place `runs` calls, `at_once` at a time, each as soon as one before it has ended."""
    before = await Usage.so_far(rig)
    settled = await Settled.so_far(rig)
    numbers, orgs = iter(range(runs)), cycle(rig.orgs)
    sent: dict[int, float] = {}
    waits: list[float] = []

    async def client(endings: _Endings) -> None:
        connection = await Connection.open(rig.api_port)
        for _ in numbers:
            org = next(orgs)
            began, wall = time.monotonic(), time.time()
            status, run = await connection.post("/v1/test-calls", org.key, body(org, 0, talks=True))
            if status != CREATED:
                raise RuntimeError(f"POST answered {status}: {run}")
            await endings.of(run["id"])
            waits.append((time.monotonic() - began) * 1_000)
            sent[run["id"]] = wall

    began = time.monotonic()
    async with _Endings.watched(rig) as endings:
        await asyncio.gather(*(client(endings) for _ in range(at_once)))
    seconds = time.monotonic() - began
    await settled.wait_for_more(runs)
    usage = await before.until_now(rig)
    waits.sort()
    to_settled = sorted((at - sent[run_id]) * 1_000 for run_id, at in (await settled_at(rig, list(sent))).items())
    return TextCalls(
        runs, runs / seconds, quantile(waits, 0.5), quantile(waits, 0.95), quantile(to_settled, 0.5),
        quantile(to_settled, 0.95), usage,
    )  # fmt: skip
