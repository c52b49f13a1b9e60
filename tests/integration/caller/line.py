"""The line, without a network: two parties for each call, which note that they were called and wait if asked to."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.caller.domain.turn import Party, Reply, Turn
from shared.events.admissions import TestCallDispatched

Contact = Callable[[int], Awaitable[None]]


async def nothing_happens(run_id: int) -> None:
    """Answer the phone, and that is all."""


@dataclass
class Line:
    """Makes the parties of calls. While `gate` is closed, calls stay up; `last_words` decides how a run's call ends.

    `placed` counts first contacts with the agent; `up` are the runs whose bot is talking; `lines` counts its turns.
    While `slow_to_dial`, a bot that answers the phone waits before its hello, and so before the agent hears of the
    call: each call that is slow has one of the run's `gates`.
    """

    placed: Counter[int] = field(default_factory=Counter)
    lines: Counter[int] = field(default_factory=Counter)
    up: list[int] = field(default_factory=list)
    max_up: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    on_contact: Contact = nothing_happens
    last_words: dict[int, Reply | Exception] = field(default_factory=dict)
    long_talk: str = ""
    slow_to_dial: bool = False
    gates: dict[int, list[asyncio.Event]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate.set()

    def bot(self, dispatch: TestCallDispatched) -> Party:
        return _Bot(self, dispatch.run_id)

    def agent(self, dispatch: TestCallDispatched) -> Party:
        return _Agent(self, dispatch.run_id)

    def is_up(self, *run_ids: int) -> Callable[[], Awaitable[bool]]:
        """A question for `eventually`."""

        async def question() -> bool:
            return set(run_ids) <= set(self.up)

        return question

    def waits(self, run_id: int, times: int = 1) -> Callable[[], Awaitable[bool]]:
        """A question for `eventually`: whether so many calls of a run have come to their gates."""

        async def question() -> bool:
            return len(self.gates.get(run_id, [])) >= times

        return question

    async def is_quiet(self) -> bool:
        """A question for `eventually`: a party that is hung up on is gone a moment later."""
        return not self.up


@dataclass
class _Agent:
    line: Line
    run_id: int

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        if any(turn.role == "assistant" for turn in turns):
            return Reply("I see.")
        self.line.placed[self.run_id] += 1
        await self.line.on_contact(self.run_id)
        return Reply("Hello, how can I help you?")


@dataclass
class _Bot:
    line: Line
    run_id: int

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        if not turns:
            if self.line.slow_to_dial:
                gate = asyncio.Event()
                self.line.gates.setdefault(self.run_id, []).append(gate)
                await gate.wait()
            return Reply("Hello?")
        self.line.lines[self.run_id] += 1
        self.line.up.append(self.run_id)
        self.line.max_up = max(self.line.max_up, len(self.line.up))
        try:
            await self.line.gate.wait()
        finally:
            self.line.up.remove(self.run_id)
        if self.line.long_talk:
            return Reply(self.line.long_talk)
        match self.line.last_words.get(self.run_id, Reply("Thank you, goodbye.", "hang_up")):
            case Exception() as error:
                raise error
            case reply:
                return reply
