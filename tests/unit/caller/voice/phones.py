"""A telephone network in memory: ticks that are told to come, legs that are joined, and speech that is written text."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Conversation
from services.caller.domain.limits import CallLimits
from services.caller.domain.media import FRAME_BYTES, FRAME_MS, SILENCE, LegEnd, LegStats, SpeechError, Ticking
from services.caller.domain.turn import Party, Side
from services.caller.domain.voice.end import VoiceEnd
from services.caller.domain.voice.phone import Conduct, Phone

WORD_MS = 200
FRAMES_OF_A_WORD = WORD_MS // FRAME_MS
LOOPS = 4  # of the event loop between two ticks: enough for what waits for nothing
MAX_TICKS = 60_000


class Clock:
    """A media clock whose ticks come when they are told to."""

    def __init__(self) -> None:
        self._ticking: list[Ticking] = []
        self._awaited: list[tuple[int, asyncio.Future[None]]] = []
        self.ticks = 0
        self.left_out = 0

    def add(self, ticking: Ticking) -> None:
        self._ticking.append(ticking)

    def remove(self, ticking: Ticking) -> None:
        if ticking in self._ticking:
            self._ticking.remove(ticking)

    def skipped(self) -> int:
        return self.left_out

    @property
    def idle(self) -> bool:
        return not self._ticking

    async def pass_by(self, ticks: int) -> None:
        """Return when so many ticks have come."""
        passed = asyncio.get_running_loop().create_future()
        self._awaited.append((self.ticks + ticks, passed))
        await passed

    async def tick(self) -> None:
        self.ticks += 1
        for until, passed in tuple(self._awaited):
            if until <= self.ticks and not passed.done():
                passed.set_result(None)
        for one in tuple(self._ticking):
            one.tick(0.0)
        for _ in range(LOOPS):
            await asyncio.sleep(0)

    async def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            assert self.ticks < MAX_TICKS, "it never ends"
            await self.tick()


class Leg:
    """One of two that are joined."""

    def __init__(self) -> None:
        self.other = self
        self.queue: deque[bytes] = deque()
        self.ended: LegEnd | None = None
        self.given: list[bytes] = []
        self.pressed = ""
        self.unheard = ""  # keys of the other's
        self.hung_up = 0

    def exchange(self, frame: bytes) -> bytes:
        self.given.append(frame)
        self.other.queue.append(frame)
        return self.queue.popleft() if self.queue else SILENCE

    def interrupt(self) -> None:
        """Nothing is kept."""

    def send_digits(self, digits: str) -> None:
        self.pressed += digits
        self.other.unheard += digits

    def heard_digits(self) -> str:
        heard, self.unheard = self.unheard, ""
        return heard

    def stats(self) -> LegStats:
        return LegStats()

    async def hang_up(self) -> None:
        self.hung_up += 1
        self.other.ended = self.other.ended or "far_end"


def joined() -> tuple[Leg, Leg]:
    """Return both ends of a line."""
    one, other = Leg(), Leg()
    one.other, other.other = other, one
    return one, other


class WrittenSpeech:
    """Speech in which each frame says which word it belongs to; what was cut is read as far as it was heard."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = []
        self.fails = 0
        self.reads: list[tuple[str, ...]] = []

    def sound(self, text: str) -> bytes:
        self._lines.append(text.split())
        nth = len(self._lines)
        return b"".join(
            nth.to_bytes(2, "little") + word.to_bytes(2, "little") + b"\1" * (FRAME_BYTES - 4)
            for word in range(len(self._lines[-1]))
            for _ in range(FRAMES_OF_A_WORD)
        )

    async def say(self, text: str, voice: str) -> bytes:
        return self.sound(text)

    async def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        self.reads.append(expected)
        if self.fails:
            self.fails -= 1
            raise SpeechError("Speech recognition is not available")
        words: list[tuple[int, int]] = []
        for at in range(0, len(sound), FRAME_BYTES):
            nth, word = (int.from_bytes(sound[at + i : at + i + 2], "little") for i in (0, 2))
            if 0 < nth <= len(self._lines) and (not words or words[-1] != (nth, word)):
                words.append((nth, word))
        return " ".join(self._lines[nth - 1][word] for nth, word in words)


def is_voiced(frame: bytes) -> bool:
    """Say whether it is no silence."""
    return frame != SILENCE


def noise(ms: int) -> bytes:
    """Return sound in which nobody says anything."""
    return (b"\xff" * FRAME_BYTES) * (ms // FRAME_MS)


class FarEnd:
    """An agent that is no VoiceEnd: says what it has to at given moments, and notes what comes."""

    def __init__(self, leg: Leg, clock: Clock, *lines: tuple[int, bytes]) -> None:
        self._leg = leg
        self._lines = deque(lines)
        self._sound = b""
        self.ms = 0
        self.heard: list[bytes] = []
        clock.add(self)

    def say_now(self, sound: bytes) -> None:
        self._sound = sound

    def tick(self, late_ms: float) -> None:
        if self._lines and self._lines[0][0] <= self.ms:
            self._sound += self._lines.popleft()[1]
        frame, self._sound = (self._sound[:FRAME_BYTES] or SILENCE), self._sound[FRAME_BYTES:]
        self.heard.append(self._leg.exchange(frame))
        self.ms += FRAME_MS


class Recorded:
    """Both channels of a recording."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.heard: list[bytes] = []

    def __call__(self, said: bytes, heard: bytes) -> None:
        self.said.append(said)
        self.heard.append(heard)


class Network:
    """A clock, a line, speech, and a lease that can be lost."""

    def __init__(self, *, max_call_ms: int = 600_000) -> None:
        self.clock = Clock()
        self.bot_leg, self.agent_leg = joined()
        self.speech = WrittenSpeech()
        self.limits = CallLimits(max_call_ms)
        self.lease = True
        self.recorded = Recorded()
        self.call_clocks = {side: CallClock(1.0, lambda: self.lease) for side in ("bot", "agent")}

    def end(self, side: Side, mind: Party, *, first: bool, conduct: Conduct | None = None, **phone: Any) -> VoiceEnd:
        leg = self.bot_leg if side == "bot" else self.agent_leg
        held = Phone(leg, self.clock, self.call_clocks[side], self.limits, is_voiced, leg.hang_up)
        if side == "bot":
            held = replace(held, record=self.recorded)
        return VoiceEnd(
            side, mind, replace(held, **phone), speech=self.speech, voice="rms", first=first, conduct=conduct
        )

    async def talk(self, *ends: VoiceEnd) -> list[Conversation]:
        """Let them talk until all have ended."""
        tasks = [asyncio.create_task(end.talk()) for end in ends]
        await self.clock.run_until(lambda: all(task.done() for task in tasks))
        return [task.result() for task in tasks]


def words(frames: Sequence[bytes]) -> set[tuple[bytes, bytes]]:
    """Return which words stand in them."""
    return {(frame[:2], frame[2:4]) for frame in frames if is_voiced(frame)}
