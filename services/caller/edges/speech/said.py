"""Lines that were said before: a bot greets everybody with the same words, and a hundred calls begin at once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from services.caller.edges.speech.limits import MAX_KEPT_BYTES, MAX_KEPT_LINE_BYTES

Line = tuple[str, str]  # text, voice


class Said:
    """Keeps what was used last, `max_bytes` of sound. Who asks for what is just being made waits for that."""

    def __init__(self, make: Callable[[str, str], Awaitable[bytes]], *, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._make = make
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Line, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._making: dict[Line, asyncio.Task[bytes]] = {}

    async def say(self, text: str, voice: str) -> bytes:
        """Return a line's sound. What fails is not kept. A call that is given up takes nobody else's line with it."""
        line = (text, voice)
        if (kept := self._kept.get(line)) is not None:
            self._kept.move_to_end(line)
            return kept
        making = self._making.get(line)
        if making is None:
            making = self._making[line] = asyncio.ensure_future(self._made(line))
            making.add_done_callback(_heed)
        return await asyncio.shield(making)

    async def aclose(self) -> None:
        """Give up what is being made."""
        for making in list(self._making.values()):
            making.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)

    async def _made(self, line: Line) -> bytes:
        try:
            sound = await self._make(*line)
        finally:
            del self._making[line]
        if len(sound) <= MAX_KEPT_LINE_BYTES:
            self._kept[line] = sound
            self._kept_bytes += len(sound)
            while self._kept_bytes > self._max_bytes:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return sound


def _heed(making: "asyncio.Task[bytes]") -> None:
    """Look at a failure even if everybody who waited for it is gone: asyncio would complain."""
    if not making.cancelled():
        making.exception()
