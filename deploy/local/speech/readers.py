"""Processes that read, and how many readings may wait for one."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from deploy.local.speech import reading
from deploy.local.speech.reading import Engine


class TooBusy(Exception):  # noqa: N818
    """Come again in a moment."""


class Readers:
    """Reads in processes beside this one. If one of them dies, all are started anew."""

    def __init__(self, engine: Engine, workers: int) -> None:
        self._engine = engine
        self._workers = workers
        self._pool = self._started()
        self._under_way = 0

    async def ready(self) -> None:
        """Wait until a process can read."""
        await asyncio.wrap_future(self._pool.submit(reading.ready))

    async def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        """Return the text of samples of 16 bits at 16 kHz. Raises TooBusy."""
        if self._under_way >= self._workers + self._engine.max_waiting:
            raise TooBusy
        self._under_way += 1
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(reading.read, sound, expected))
        except BrokenProcessPool:
            if pool is self._pool:
                self._pool = self._started()
            raise TooBusy from None
        finally:
            self._under_way -= 1

    async def aclose(self) -> None:
        """End the processes, each after what it reads."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            self._workers, get_context("spawn"), initializer=reading.begin, initargs=(self._engine,)
        )
        for _ in range(self._workers):
            pool.submit(reading.ready)
        return pool
