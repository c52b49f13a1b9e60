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


Opening = tuple[Reply, ...]


async def place_call(*, bot: Party, agent: Party, first: Side, clock: CallClock) -> Opening:
    """Make the first contact with the agent; return what was said in it, for `hold_conversation`.

    The agent's first line belongs to it: an agent that answers is one that has something to say. What it takes is
    ringing time, not call time. Raises PartyError if nobody answers, LeaseLost.
    """
    if first == "agent":
        return (await _ask(agent, "agent", (), clock),)
    hello = await _ask(bot, "bot", (), clock)
    if hello.ending != "none":
        return (hello,)
    heard = (Turn("user", "text/plain", hello.text, 0, 0),)
    return hello, await _ask(agent, "agent", heard, clock)


async def hold_conversation(
    *, bot: Party, agent: Party, first: Side, limits: CallLimits, clock: CallClock, opening: Opening = ()
) -> Conversation:
    """Hold one call; `first` speaks first: who answers the phone. Raises LeaseLost when the worker must be silent."""
    call = _Call(bot, agent, limits, clock, opening)
    end_reason, error_message = await call.run(first)
    return Conversation(tuple(call.turns), end_reason, clock.now_ms, error_message)


class _TimeIsUp(Exception):  # noqa: N818
    """The call reached its longest duration."""


async def _ask(party: Party, side: Side, turns: tuple[Turn, ...], clock: CallClock) -> Reply:
    """Ask a party for its turn. Raises PartyError for one that says nothing.

    The test bot is ours: an empty line of its mind is asked for once more. An agent is asked nothing twice.
    """
    for _ in range(MAX_BOT_ASKED if side == "bot" else 1):
        reply = await _ask_once(party, side, turns, clock)
        if reply.text.strip() or reply.ending != "none":
            return reply
    raise PartyError(SILENT[side])


async def _ask_once(party: Party, side: Side, turns: tuple[Turn, ...], clock: CallClock) -> Reply:
    """Wait for a party; meanwhile look at the lease, and give up on one that stays silent."""
    clock.check()
    asked = asyncio.ensure_future(party.take_turn(turns))
    waited_seconds = 0.0
    await asyncio.sleep(0)  # most parties answer at once, and waiting is dear
    try:
        while not asked.done() and not (await asyncio.wait({asked}, timeout=SLICE_SECONDS))[0]:
            clock.check()
            waited_seconds += SLICE_SECONDS
            if waited_seconds >= MAX_TURN_SECONDS:
                raise PartyError(SILENT[side])
    finally:
        if not asked.done():
            asked.cancel()
    return asked.result()


class _Call:
    def __init__(self, bot: Party, agent: Party, limits: CallLimits, clock: CallClock, opening: Opening) -> None:
        self.turns: list[Turn] = []
        self._opening = list(reversed(opening))
        self._parties: dict[Side, Party] = {"bot": bot, "agent": agent}
        self._limits = limits
        self._clock = clock
        self._bytes = 0
        self._farewells = 0  # in a row

    async def run(self, first: Side) -> tuple[EndReason, str]:
        side = first
        try:
            while True:
                reply = await self._hear(side)
                await self._perform(side, reply)
                match reply.ending:
                    case "transfer":
                        return "transfer", ""
                    case "hang_up":
                        return ("caller_hangup" if side == "bot" else "agent_end"), ""
                    case "none":
                        self._farewells = self._farewells + 1 if is_farewell(reply.text) else 0
                        if self._farewells >= FAREWELLS_THAT_END_A_CALL:
                            return "caller_hangup", ""  # neither hangs up: the bot does
                        if len(self.turns) >= MAX_TURNS or self._bytes >= MAX_TRANSCRIPT_BYTES:
                            return "caller_hangup", ""  # the bot gives up: nobody talks that long for a reason
                side = "agent" if side == "bot" else "bot"
        except _TimeIsUp:
            return "timeout", ""
        except PartyError as error:
            return "error", str(error)

    async def _hear(self, side: Side) -> Reply:
        if self._opening:
            reply = self._opening.pop()
            if reply.waited:
                return reply  # it thought while it rang
        else:
            deadline = asyncio.timeout(self._left_ms() / 1_000)
            try:
                async with deadline:
                    reply = await _ask(self._parties[side], side, tuple(self.turns), self._clock)
            except TimeoutError:
                if not deadline.expired():
                    raise  # a party's own: not the end of the customer's minutes
                self._clock.count(self._left_ms())  # a party's thinking is real time at any speed
                raise _TimeIsUp from None
        if reply.waited:
            self._count(reply.think_ms)
        else:
            await self._pass(reply.think_ms)
        return reply

    async def _perform(self, side: Side, reply: Reply) -> None:
        for tool in reply.tools[:MAX_TOOLS_OF_TURN]:
            self._add("tool_call", tool.call, self._clock.now_ms)
            self._add("tool_response", tool.response, self._clock.now_ms)
        text = " ".join(reply.text[:MAX_TURN_CHARS].split())
        if not text:
            return
        self._clock.check()
        start_ms = self._clock.now_ms
        speech_ms = spoken_ms(text)
        left_ms = self._left_ms()
        if speech_ms <= left_ms:
            await self._clock.let_pass(speech_ms)
            self._add(ROLES[side], text, start_ms)
            return
        await self._clock.let_pass(left_ms)
        if spoken := spoken_within(text, left_ms):
            self._add(ROLES[side], spoken, start_ms)
        raise _TimeIsUp

    def _add(self, role: Role, content: str, start_ms: int) -> None:
        content = content[:MAX_TURN_CHARS]
        self._bytes += len(content.encode("utf-8", "replace"))
        kind: Literal["text/plain", "application/json"] = "text/plain" if role in ROLES.values() else "application/json"
        self.turns.append(Turn(role, kind, content, start_ms, self._clock.now_ms))

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
