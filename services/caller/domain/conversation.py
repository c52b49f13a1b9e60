"""One call between two parties, turn by turn, until one hangs up or a limit is reached."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from services.caller.domain.call_clock import SLICE_SECONDS, CallClock
from services.caller.domain.farewell import is_farewell
from services.caller.domain.limits import (
    FAREWELLS_THAT_END_A_CALL,
    MAX_BOT_ASKED,
    MAX_TOOLS_OF_TURN,
    MAX_TRANSCRIPT_BYTES,
    MAX_TURN_CHARS,
    MAX_TURN_SECONDS,
    MAX_TURNS,
    RING_LIMIT_SECONDS,
    CallLimits,
)
from services.caller.domain.speech import spoken_ms, spoken_within
from services.caller.domain.turn import Party, PartyError, Reply, Role, Side, Turn

EndReason = Literal["caller_hangup", "agent_end", "transfer", "timeout", "error"]
SILENT: dict[Side, str] = {"agent": "The agent did not answer", "bot": "The test bot did not answer"}
ROLES: dict[Side, Role] = {"bot": "user", "agent": "assistant"}


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call that ended. `error_message` is empty unless `end_reason` is `error`."""

    turns: tuple[Turn, ...]
    end_reason: EndReason
    duration_ms: int
    error_message: str = ""


class _TimeIsUp(Exception):  # noqa: N818
    """The call reached its longest duration."""


async def _ask(party: Party, side: Side, turns: tuple[Turn, ...], clock: CallClock, within_seconds: float) -> Reply:
    """Ask a party for its turn. Raises PartyError for one that says nothing.

    The test bot is ours: an empty line of its mind is asked for once more. An agent is asked nothing twice.
    """
    silent_at = asyncio.get_running_loop().time() + within_seconds
    for _ in range(MAX_BOT_ASKED if side == "bot" else 1):
        reply = await _ask_once(party, side, turns, clock, silent_at)
        if reply.text.strip() or reply.ending != "none":
            return reply
    raise PartyError(SILENT[side])


async def _ask_once(party: Party, side: Side, turns: tuple[Turn, ...], clock: CallClock, silent_at: float) -> Reply:
    """Wait for a party; meanwhile look at the lease, and give up on one that stays silent."""
    clock.check()
    loop = asyncio.get_running_loop()
    asked = asyncio.ensure_future(party.take_turn(turns))
    await asyncio.sleep(0)  # most parties answer at once, and waiting is dear
    try:
        while not asked.done():
            clock.check()
            left_seconds = silent_at - loop.time()
            if left_seconds <= 0:
                raise PartyError(SILENT[side])
            await asyncio.wait({asked}, timeout=min(left_seconds, SLICE_SECONDS))
    finally:
        if not asked.done():
            asked.cancel()
    return asked.result()


class Call:
    """One call, from the first ring. Whoever cuts it, and whenever: `cut` says what it came to.

    `first` speaks first: who answers the phone. `contacted` turns true just before the agent hears of it.
    """

    def __init__(self, first: Side, limits: CallLimits, clock: CallClock) -> None:
        self._first = first
        self._limits = limits
        self._clock = clock
        self.contacted = False
        self._parties: dict[Side, Party] = {}
        self._said_in_ringing: list[Reply] = []
        self._turns: list[Turn] = []
        self._bytes = 0
        self._farewells = 0  # in a row

    async def place(self, *, bot: Party, agent: Party) -> None:
        """Make the first contact with the agent.

        The agent's first line belongs to it: an agent that answers is one that has something to say. What it takes is
        ringing time, not call time, and bounded as a whole. Raises PartyError if nobody answers, LeaseLost.
        """
        self._parties = {"bot": bot, "agent": agent}
        loop = asyncio.get_running_loop()
        rings_until = loop.time() + RING_LIMIT_SECONDS
        heard: tuple[Turn, ...] = ()
        if self._first == "bot":
            # At most half of the ringing: what is left is the agent's, who is not blamed for a slow bot.
            hello = await _ask(bot, "bot", (), self._clock, RING_LIMIT_SECONDS / 2)
            self._said_in_ringing.append(hello)
            if hello.ending != "none":
                return
            heard = (Turn("user", "text/plain", hello.text, 0, 0),)
        self._clock.check()
        self.contacted = True
        answer = await _ask(agent, "agent", heard, self._clock, rings_until - loop.time())
        self._said_in_ringing.append(answer)

    async def hold(self) -> Conversation:
        """Talk, turn by turn, until one hangs up or a limit is reached.

        Raises PartyError when a party cannot go on, LeaseLost when the worker must be silent.
        """
        try:
            return self._ended(await self._take_turns())
        except _TimeIsUp:
            return self._ended("timeout")

    def cut(self, sentence: str) -> Conversation:
        """Return what was said until now, of a call that cannot go on."""
        return self._ended("error", sentence)

    def _ended(self, end_reason: EndReason, error_message: str = "") -> Conversation:
        return Conversation(tuple(self._turns), end_reason, self._clock.now_ms, error_message)

    async def _take_turns(self) -> EndReason:
        side = self._first
        while True:
            reply = await self._hear(side)
            await self._perform(side, reply)
            match reply.ending:
                case "transfer":
                    return "transfer"
                case "hang_up":
                    return "caller_hangup" if side == "bot" else "agent_end"
                case "none":
                    self._farewells = self._farewells + 1 if is_farewell(reply.text) else 0
                    if self._farewells >= FAREWELLS_THAT_END_A_CALL:
                        return "caller_hangup"  # neither hangs up: the bot does
                    if len(self._turns) >= MAX_TURNS or self._bytes >= MAX_TRANSCRIPT_BYTES:
                        return "caller_hangup"  # the bot gives up: nobody talks that long for a reason
            side = "agent" if side == "bot" else "bot"

    async def _hear(self, side: Side) -> Reply:
        if self._said_in_ringing:
            reply = self._said_in_ringing.pop(0)
            if reply.waited:
                return reply  # it thought while it rang
        else:
            reply = await self._listen(side)
        if reply.waited:
            self._count(reply.think_ms)
        else:
            await self._pass(reply.think_ms)
        return reply

    async def _listen(self, side: Side) -> Reply:
        loop = asyncio.get_running_loop()
        began = loop.time()
        deadline = asyncio.timeout(self._left_ms() / 1_000)
        try:
            async with deadline:
                return await _ask(self._parties[side], side, tuple(self._turns), self._clock, MAX_TURN_SECONDS)
        except Exception as error:
            if isinstance(error, TimeoutError) and deadline.expired():  # not a party's own
                self._clock.count(self._left_ms())  # a party's thinking is real time at any speed
                raise _TimeIsUp from None
            self._clock.count(min(self._left_ms(), round((loop.time() - began) * 1_000)))
            raise

    async def _perform(self, side: Side, reply: Reply) -> None:
        for tool in reply.tools[:MAX_TOOLS_OF_TURN]:
            self._add("tool_call", tool.call, self._clock.now_ms)
            self._add("tool_response", tool.response, self._clock.now_ms)
        text = " ".join(reply.text[:MAX_TURN_CHARS].split())
        if not text:
            return
        start_ms = self._clock.now_ms
        speech_ms = spoken_ms(text)
        try:
            await self._pass(speech_ms)
        finally:  # whatever cuts a sentence off, what was spoken of it is in the transcript
            passed_ms = self._clock.now_ms - start_ms
            spoken = text if passed_ms >= speech_ms else spoken_within(text, passed_ms)
            if spoken:
                self._add(ROLES[side], spoken, start_ms)

    def _add(self, role: Role, content: str, start_ms: int) -> None:
        content = content[:MAX_TURN_CHARS]
        self._bytes += len(content.encode("utf-8", "replace"))
        kind: Literal["text/plain", "application/json"] = "text/plain" if role in ROLES.values() else "application/json"
        self._turns.append(Turn(role, kind, content, start_ms, self._clock.now_ms))

    def _left_ms(self) -> int:
        return max(0, self._limits.max_call_ms - self._clock.now_ms)

    def _count(self, ms: int) -> None:
        left_ms = self._left_ms()
        self._clock.count(min(ms, left_ms))
        if ms > left_ms:
            raise _TimeIsUp

    async def _pass(self, ms: int) -> None:
        left_ms = self._left_ms()
        await self._clock.let_pass(min(ms, left_ms))
        if ms > left_ms:
            raise _TimeIsUp
