"""Group commit: requests that arrive while a transaction runs share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from shared.db.failures import is_transient
from shared.errors import Transient
from shared.process.pacing import Pacing

T = TypeVar("T")
R = TypeVar("R")

MAX_BATCH_ITEMS = 200
MAX_WAITING_ITEMS = 5_000
ROUND_SECONDS = 0.01
ROUNDS_AT_ONCE = 4


class Overloaded(Transient):
    """More is waiting than will be served in good time."""


class GroupCommit(Generic[T, R]):
    """Apply items of many tasks in one transaction each time, in the order they came.

    `apply` takes a batch, commits it and returns one result for each item. If it fails for a reason that another try
    will not mend, the batch is halved until the bad item stands alone, so that one item cannot fail its neighbours.
    """

    def __init__(
        self,
        apply: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        max_batch_items: int = MAX_BATCH_ITEMS,
        max_waiting_items: int = MAX_WAITING_ITEMS,
    ) -> None:
        self._apply = apply
        self._max_batch_items = max_batch_items
        self._max_waiting_items = max_waiting_items
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._arrived = asyncio.Event()
        self._pacing = Pacing(ROUND_SECONDS, rounds_at_once=ROUNDS_AT_ONCE)

    async def submit(self, item: T) -> R:
        """Wait until the item's transaction has committed and return its result.

        Raises Overloaded when too much is waiting, and whatever `apply` raised for this item. A caller that goes
        away while it waits takes its item along, unless the transaction has begun.
        """
        if len(self._waiting) >= self._max_waiting_items:
            raise Overloaded(f"{self._max_waiting_items} requests are waiting already")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._arrived.set()
        return await future

    async def run(self) -> None:
        """Serve for ever."""
        try:
            while True:
                await self._arrived.wait()
                await self._pacing.begin()
                batch = self._take()
                if batch:
                    await self._settle(batch)
        finally:
            for _, future in self._waiting:
                future.cancel()

    def _take(self) -> list[tuple[T, asyncio.Future[R]]]:
        batch: list[tuple[T, asyncio.Future[R]]] = []
        while self._waiting and len(batch) < self._max_batch_items:
            item, future = self._waiting.popleft()
            if not future.done():
                batch.append((item, future))
        if not self._waiting:
            self._arrived.clear()
        return batch

    async def _settle(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._apply([item for item, _ in batch])
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:
            if len(batch) > 1 and not is_transient(error):
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            with suppress(asyncio.InvalidStateError):
                future.set_result(result)
