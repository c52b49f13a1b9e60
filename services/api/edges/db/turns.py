"""Turns at something scarce: few at once, a bounded number waiting, and no organisation before all others."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.db.group_commit import Overloaded


class Turns:
    """Lets tasks in: at most `at_once`, of one organisation at most `at_once_of_org`; those that wait, in rotation."""

    def __init__(self, *, at_once: int, at_once_of_org: int, waiting_of_org: int, wait_seconds: float) -> None:
        self._at_once = at_once
        self._at_once_of_org = at_once_of_org
        self._waiting_of_org = waiting_of_org
        self._wait_seconds = wait_seconds
        self._running: Counter[int] = Counter()
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, org_id: int) -> AsyncIterator[None]:
        """Wait for a turn and have it. Raises Overloaded if too many of the organisation's wait, or for too long."""
        await self._wait(org_id)
        try:
            yield
        finally:
            self._leave(org_id)

    async def _wait(self, org_id: int) -> None:
        queue = self._waiting.setdefault(org_id, deque())
        if len(queue) >= self._waiting_of_org:
            raise Overloaded(f"{self._waiting_of_org} reads of the organisation are waiting already")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._let_in()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it was given just before the wait was given up
                self._leave(org_id)
            elif turn in queue:
                self._forget(org_id, turn)
            if isinstance(error, TimeoutError):
                raise Overloaded(f"no turn within {self._wait_seconds} s") from None
            raise

    def _leave(self, org_id: int) -> None:
        self._running[org_id] -= 1
        self._running += Counter()  # forgets organisations that have none
        self._let_in()

    def _forget(self, org_id: int, turn: asyncio.Future[None]) -> None:
        queue = self._waiting[org_id]
        queue.remove(turn)
        if not queue:
            del self._waiting[org_id]

    def _let_in(self) -> None:
        """Give free turns, first to those organisations that have the fewest, then in rotation."""
        while self._running.total() < self._at_once:
            waiting = [org_id for org_id in self._waiting if self._running[org_id] < self._at_once_of_org]
            if not waiting:
                return
            org_id = min(waiting, key=lambda org_id: self._running[org_id])
            queue = self._waiting[org_id]
            turn = queue.popleft()
            self._waiting.move_to_end(org_id)
            if not queue:
                del self._waiting[org_id]
            if not turn.done():
                self._running[org_id] += 1
                turn.set_result(None)
