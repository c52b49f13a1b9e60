"""An agent behind a WebSocket whose answer delay is known."""

import asyncio
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from services.caller.domain.media import FRAME_MS
from services.caller.edges.streams.sound import MULAW
from tests.support.stream_agent import Session
from tests.support.stream_script import is_loud, tone

QUIET_MS = 60  # after which this agent holds a line for ended; it is part of its delay
ANSWER_MS = 500

Send = Callable[[Session, bytes], Awaitable[None]]


async def at_once(session: Session, sound: bytes) -> None:
    """As speech synthesis gives it."""
    await session.say(sound)


async def in_real_time(session: Session, sound: bytes) -> None:
    """As pipecat does: in pieces, each when the one before it is said."""
    began = time.monotonic()
    for number, start in enumerate(range(0, len(sound), 320)):
        await session.say(sound[start : start + 320])
        await asyncio.sleep(max(0.0, began + (number + 1) * 0.04 - time.monotonic()))


@dataclass
class DelayedAgent:
    """Answers each line a known time after its last loud frame came; notes how late it was itself."""

    delay_ms: int
    send: Send
    answer: bytes = MULAW.encode(tone(ANSWER_MS))
    quiet_ms: int = QUIET_MS
    overslept_ms: list[float] = field(default_factory=list)
    answering: set[asyncio.Task[None]] = field(default_factory=set)
    _loud_at: float | None = None

    async def hear(self, session: Session, message: dict[str, Any]) -> None:
        if message["event"] != "media":
            return
        now = time.monotonic()
        if is_loud(MULAW.decode(b64decode(message["media"]["payload"]))):
            self._loud_at = now
        elif self._loud_at is not None and (now - self._loud_at) * 1_000 >= self.quiet_ms:
            task = asyncio.create_task(self._answer(session, self._loud_at))
            self.answering.add(task)
            task.add_done_callback(self.answering.discard)
            self._loud_at = None

    async def _answer(self, session: Session, loud_at: float) -> None:
        due = loud_at + FRAME_MS / 1_000 + self.delay_ms / 1_000  # its sound lasted a frame longer
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self.overslept_ms.append((time.monotonic() - due) * 1_000)
        await self.send(session, self.answer)
