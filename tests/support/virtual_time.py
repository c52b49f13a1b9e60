"""A loop whose time jumps to the next timer: what takes 32 s takes none, and is on time to the millisecond."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any


class _NeverWaiting(selectors.SelectSelector):
    """Waits for nothing, and says so to its loop."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: Callable[[float], None] = lambda seconds: None

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout:
            self.waited(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop."""

    def __init__(self) -> None:
        selector = _NeverWaiting()
        super().__init__(selector)
        self._now = 0.0
        selector.waited = self._waited

    def time(self) -> float:
        """Return the virtual time."""
        return self._now

    def _waited(self, seconds: float) -> None:
        self._now += seconds


def in_virtual_time(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test to its end."""

    async def run() -> None:
        await test()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
